#pragma once
// The C interface of src/lib.rs: Hugging Face's tokenizers crate for whoever is not written in Rust. text/tokenizer.cc
// is its only user.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_tokenizer wherry_tokenizer;
typedef struct wherry_encoding wherry_encoding;

/// UTF-8 text, not terminated. Text that a function fills belongs to the caller, who frees it with wherry_text_free;
/// `data` is null where there is none.
typedef struct {
  char* data;
  size_t size;
  size_t capacity;
} wherry_text;

/// Why a function failed. A panic is a bug of the crate or a file that it did not foresee.
typedef enum {
  WHERRY_TOKENIZER_OK = 0,
  WHERRY_TOKENIZER_REFUSED = 1,
  WHERRY_TOKENIZER_PANIC = 2
} wherry_tokenizer_status;

/// What the offsets of an encoding count; 0: all are 0, which is faster.
typedef enum { WHERRY_OFFSETS_NONE = 0, WHERRY_OFFSETS_CODE_POINTS = 1, WHERRY_OFFSETS_BYTES = 2 } wherry_offsets;

typedef struct {
  size_t max_tokens;  ///< special tokens included; 0 for no limit
  uint8_t truncate_left;
  uint8_t special_tokens;
  uint8_t offsets;  ///< wherry_offsets
} wherry_encode_options;

/// One number a token, `size` of each; they live as long as `owner`.
typedef struct {
  wherry_encoding* owner;  ///< free with wherry_encoding_free
  size_t size;
  size_t full_size;  ///< tokens before truncation
  const uint32_t* ids;
  const uint32_t* type_ids;
  const uint32_t* special;  ///< 1 for a token that the text did not hold
  const size_t* offsets;    ///< start and end of each
} wherry_encoding_view;

/// Reads a tokenizer.json of `size` bytes. What it says about truncation and padding is not used.
wherry_tokenizer_status wherry_tokenizer_read(const char* json, size_t size, wherry_tokenizer** tokenizer,
                                              wherry_text* error);
void wherry_tokenizer_free(wherry_tokenizer* tokenizer);

/// Tokens of a text, or of a pair where `pair` is not null. Both must be UTF-8. Safe from several threads at once.
wherry_tokenizer_status wherry_tokenizer_encode(const wherry_tokenizer* tokenizer, const char* text, size_t text_size,
                                                const char* pair, size_t pair_size, wherry_encode_options options,
                                                wherry_encoding_view* encoding, wherry_text* error);
void wherry_encoding_free(wherry_encoding* encoding);

/// The text of some tokens. Ids that the vocabulary lacks are left out.
wherry_tokenizer_status wherry_tokenizer_decode(const wherry_tokenizer* tokenizer, const uint32_t* ids, size_t size,
                                                uint8_t skip_special, wherry_text* text, wherry_text* error);

/// 1 and the token's id, or 0.
uint8_t wherry_tokenizer_token_to_id(const wherry_tokenizer* tokenizer, const char* token, size_t size, uint32_t* id);
/// Empty (null) where the vocabulary has no such id.
wherry_text wherry_tokenizer_id_to_token(const wherry_tokenizer* tokenizer, uint32_t id);
/// The largest id of the vocabulary, added tokens included; -1 for an empty one.
int64_t wherry_tokenizer_largest_id(const wherry_tokenizer* tokenizer);
/// How many special tokens are put around a text, or a pair.
size_t wherry_tokenizer_added_tokens(const wherry_tokenizer* tokenizer, uint8_t pair);

void wherry_text_free(wherry_text text);

#ifdef __cplusplus
}
#endif
