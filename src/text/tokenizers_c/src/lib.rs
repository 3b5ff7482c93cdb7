//! Hugging Face's tokenizers behind a C interface (tokenizers_c.h says what each function means). No panic leaves this
//! library, and it starts no thread: rayon is only entered by batch calls, of which there are none here.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{catch_unwind, set_hook, take_hook, AssertUnwindSafe};
use std::sync::Once;

use tokenizers::utils::truncation::{truncate_encodings, TruncationDirection, TruncationParams};
use tokenizers::{
    Encoding, Model, OffsetType, PostProcessor, PreTokenizedString, PreTokenizer, Result, Tokenizer,
};

const OK: u32 = 0;
const REFUSED: u32 = 1;
const PANIC: u32 = 2;

#[repr(C)]
pub struct Text {
    data: *mut u8,
    size: usize,
    capacity: usize,
}

impl Text {
    fn none() -> Self {
        Text { data: std::ptr::null_mut(), size: 0, capacity: 0 }
    }

    fn of(text: String) -> Self {
        let mut bytes = std::mem::ManuallyDrop::new(text.into_bytes());
        Text { data: bytes.as_mut_ptr(), size: bytes.len(), capacity: bytes.capacity() }
    }
}

#[repr(C)]
pub struct EncodeOptions {
    max_tokens: usize,
    truncate_left: u8,
    special_tokens: u8,
    offsets: u8,
}

/// What an EncodingView points into.
pub struct Owner {
    encoding: Encoding,
    offsets: Vec<usize>,
}

#[repr(C)]
pub struct EncodingView {
    owner: *mut Owner,
    size: usize,
    full_size: usize,
    ids: *const u32,
    type_ids: *const u32,
    special: *const u32,
    offsets: *const usize,
}

thread_local! {
    /// Where this thread's caught panics are not to be printed: set while one of our functions runs.
    static QUIET: RefCell<bool> = const { RefCell::new(false) };
}

fn message_of(panic: Box<dyn Any + Send>) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text.to_string()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "no reason given".to_string()
    }
}

/// Runs `work`; what went wrong becomes a status and a text, panics included.
fn guarded(error: *mut Text, work: impl FnOnce() -> Result<()>) -> u32 {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.with(|quiet| *quiet.borrow()) {
                before(info);
            }
        }));
    });
    QUIET.with(|quiet| *quiet.borrow_mut() = true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    QUIET.with(|quiet| *quiet.borrow_mut() = false);
    let (status, message) = match outcome {
        Ok(Ok(())) => return OK,
        Ok(Err(refused)) => (REFUSED, refused.to_string()),
        Err(panic) => (PANIC, message_of(panic)),
    };
    unsafe { error.write(Text::of(message)) };
    status
}

unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(data, size)
    }
}

#[no_mangle]
pub unsafe extern "C" fn wherry_tokenizer_read(
    json: *const u8,
    size: usize,
    tokenizer: *mut *mut Tokenizer,
    error: *mut Text,
) -> u32 {
    guarded(error, || {
        let mut read = Tokenizer::from_bytes(bytes(json, size))?;
        read.with_truncation(None)?;
        read.with_padding(None);
        tokenizer.write(Box::into_raw(Box::new(read)));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn wherry_tokenizer_free(tokenizer: *mut Tokenizer) {
    if !tokenizer.is_null() {
        drop(Box::from_raw(tokenizer));
    }
}

/// One text without special tokens: the crate's own encode_single_sequence, which it keeps private. Called apart from
/// post_process, it says how long the text is before truncation, and the limit can differ from call to call.
fn encode_one(tokenizer: &Tokenizer, text: &str, type_id: u32, offsets: OffsetType) -> Result<Encoding> {
    let mut pieces: PreTokenizedString = tokenizer
        .get_added_vocabulary()
        .extract_and_normalize(tokenizer.get_normalizer(), text);
    if let Some(pre_tokenizer) = tokenizer.get_pre_tokenizer() {
        pre_tokenizer.pre_tokenize(&mut pieces)?;
    }
    tokenizer.get_model().tokenize_in_pretokenized(&mut pieces, None)?;
    pieces.into_encoding(None, type_id, offsets)
}

fn added_tokens(tokenizer: &Tokenizer, pair: bool) -> usize {
    tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(pair))
}

fn encode(tokenizer: &Tokenizer, text: &str, pair: Option<&str>, options: &EncodeOptions) -> Result<(Encoding, usize)> {
    let offsets = || match options.offsets {
        0 => OffsetType::None,
        1 => OffsetType::Char,
        _ => OffsetType::Byte,
    };
    let special = options.special_tokens != 0;
    let mut first = encode_one(tokenizer, text, 0, offsets())?;
    let mut second = pair.map(|pair| encode_one(tokenizer, pair, 1, offsets())).transpose()?;
    let added = if special { added_tokens(tokenizer, pair.is_some()) } else { 0 };
    let full = first.len() + second.as_ref().map_or(0, |second| second.len()) + added;
    if options.max_tokens != 0 && full > options.max_tokens {
        let room = options.max_tokens.checked_sub(added).ok_or_else(|| {
            format!("{added} special tokens do not fit in {} tokens", options.max_tokens)
        })?;
        let params = TruncationParams {
            direction: if options.truncate_left != 0 { TruncationDirection::Left } else { TruncationDirection::Right },
            max_length: room,
            ..TruncationParams::default()
        };
        (first, second) = truncate_encodings(first, second, &params)?;
        first.take_overflowing();
        if let Some(second) = second.as_mut() {
            second.take_overflowing();
        }
    }
    Ok((tokenizer.post_process(first, second, special)?, full))
}

#[no_mangle]
pub unsafe extern "C" fn wherry_tokenizer_encode(
    tokenizer: *const Tokenizer,
    text: *const u8,
    text_size: usize,
    pair: *const u8,
    pair_size: usize,
    options: EncodeOptions,
    view: *mut EncodingView,
    error: *mut Text,
) -> u32 {
    guarded(error, || {
        let text = std::str::from_utf8(bytes(text, text_size))?;
        let pair = if pair.is_null() { None } else { Some(std::str::from_utf8(bytes(pair, pair_size))?) };
        let (encoding, full_size) = encode(&*tokenizer, text, pair, &options)?;
        let offsets = encoding.get_offsets().iter().flat_map(|&(start, end)| [start, end]).collect();
        let owner = Box::new(Owner { encoding, offsets });
        view.write(EncodingView {
            size: owner.encoding.len(),
            full_size,
            ids: owner.encoding.get_ids().as_ptr(),
            type_ids: owner.encoding.get_type_ids().as_ptr(),
            special: owner.encoding.get_special_tokens_mask().as_ptr(),
            offsets: owner.offsets.as_ptr(),
            owner: Box::into_raw(owner),
        });
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn wherry_encoding_free(owner: *mut Owner) {
    if !owner.is_null() {
        drop(Box::from_raw(owner));
    }
}

#[no_mangle]
pub unsafe extern "C" fn wherry_tokenizer_decode(
    tokenizer: *const Tokenizer,
    ids: *const u32,
    size: usize,
    skip_special: u8,
    text: *mut Text,
    error: *mut Text,
) -> u32 {
    guarded(error, || {
        let ids = if size == 0 { &[] } else { std::slice::from_raw_parts(ids, size) };
        text.write(Text::of((*tokenizer).decode(ids, skip_special != 0)?));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn wherry_tokenizer_token_to_id(
    tokenizer: *const Tokenizer,
    token: *const u8,
    size: usize,
    id: *mut u32,
) -> u8 {
    let found = std::str::from_utf8(bytes(token, size)).ok().and_then(|token| (*tokenizer).token_to_id(token));
    if let Some(found) = found {
        id.write(found);
    }
    found.is_some() as u8
}

#[no_mangle]
pub unsafe extern "C" fn wherry_tokenizer_id_to_token(tokenizer: *const Tokenizer, id: u32) -> Text {
    (*tokenizer).id_to_token(id).map_or(Text::none(), Text::of)
}

#[no_mangle]
pub unsafe extern "C" fn wherry_tokenizer_largest_id(tokenizer: *const Tokenizer) -> i64 {
    (*tokenizer).get_vocab(true).values().copied().max().map_or(-1, i64::from)
}

#[no_mangle]
pub unsafe extern "C" fn wherry_tokenizer_added_tokens(tokenizer: *const Tokenizer, pair: u8) -> usize {
    added_tokens(&*tokenizer, pair != 0)
}

#[no_mangle]
pub unsafe extern "C" fn wherry_text_free(text: Text) {
    if !text.data.is_null() {
        drop(Vec::from_raw_parts(text.data, text.size, text.capacity));
    }
}
