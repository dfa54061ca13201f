#pragma once

#include <string>  // defines the library macros read below

#include <pharos/spi/digest.hpp>

#define PHAROS_TEXT_(x) #x
#define PHAROS_TEXT(x) PHAROS_TEXT_(x)

#if defined(__SANITIZE_ADDRESS__)
#define PHAROS_FINGERPRINT_SANITIZER "asan"
#elif defined(__SANITIZE_THREAD__)
#define PHAROS_FINGERPRINT_SANITIZER "tsan"
#else
#define PHAROS_FINGERPRINT_SANITIZER "none"
#endif

#if defined(_GLIBCXX_DEBUG)
#define PHAROS_FINGERPRINT_DEBUG "1"
#else
#define PHAROS_FINGERPRINT_DEBUG "0"
#endif

/// What must be equal between the kernel and a plugin for their types to have one layout. PHAROS_SPI_DIGEST stands for
/// the text of all headers here, without comments and white space: a changed interface is noticed even when nobody gave
/// it a new number.
#define PHAROS_FINGERPRINT                                                                                      \
    "gcc" PHAROS_TEXT(__GNUC__) ";c++" PHAROS_TEXT(__cplusplus) ";cxx11abi" PHAROS_TEXT(                        \
        _GLIBCXX_USE_CXX11_ABI) ";stldebug" PHAROS_FINGERPRINT_DEBUG ";sanitizer=" PHAROS_FINGERPRINT_SANITIZER \
                                ";spi=" PHAROS_SPI_DIGEST

/// Version of the SPI. A plugin takes the address of this symbol; a kernel of another version has none, so the
/// dynamic linker refuses the plugin before any of its code runs.
#define PHAROS_SPI_ABI_SYMBOL pharos_spi_abi_3
extern "C" __attribute__((visibility("default"))) const char PHAROS_SPI_ABI_SYMBOL;
