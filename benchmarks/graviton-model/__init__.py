"""What an AArch64 machine would do, found without one: instructions counted in an emulator, cycles modelled."""
