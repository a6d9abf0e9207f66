# Libraries of others, each an imported target. What is missing is named with its cure.
function(fan_missing what cure)
  message(FATAL_ERROR "${what} is missing. Cure: ${cure}")
endfunction()

pkg_check_modules(SECP256K1 IMPORTED_TARGET libsecp256k1)
if(NOT SECP256K1_FOUND)
  fan_missing(libsecp256k1 "apt-get install libsecp256k1-dev")
endif()
add_library(fan::secp256k1 ALIAS PkgConfig::SECP256K1)

pkg_check_modules(JANSSON IMPORTED_TARGET jansson)
if(NOT JANSSON_FOUND)
  fan_missing(jansson "apt-get install libjansson-dev")
endif()
add_library(fan::jansson ALIAS PkgConfig::JANSSON)

pkg_check_modules(ZLIB IMPORTED_TARGET zlib)
if(NOT ZLIB_FOUND)
  fan_missing(zlib "apt-get install zlib1g-dev")
endif()
add_library(fan::zlib ALIAS PkgConfig::ZLIB)

find_path(LMDB_INCLUDE lmdb.h)
find_library(LMDB_LIBRARY lmdb)
if(NOT LMDB_INCLUDE OR NOT LMDB_LIBRARY)
  fan_missing(LMDB "apt-get install liblmdb-dev")
endif()
add_library(fan::lmdb UNKNOWN IMPORTED)
set_target_properties(fan::lmdb PROPERTIES IMPORTED_LOCATION ${LMDB_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${LMDB_INCLUDE})

# Node's HTTP parser comes from Debian as C source; strict mode is ours to switch on.
find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp)
find_path(LLHTTP_SOURCE llhttp.c PATHS /usr/share/llhttp)
if(NOT LLHTTP_INCLUDE OR NOT LLHTTP_SOURCE)
  fan_missing(llhttp "apt-get install node-llhttp")
endif()
add_library(fan_llhttp STATIC ${LLHTTP_SOURCE}/llhttp.c ${LLHTTP_SOURCE}/api.c ${LLHTTP_SOURCE}/http.c)
target_include_directories(fan_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
target_compile_definitions(fan_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
target_compile_options(fan_llhttp PRIVATE -w)
add_library(fan::llhttp ALIAS fan_llhttp)

# BIP-39's English words come from Debian as a text file; the list becomes a header.
find_file(BIP39_WORDS mnemonic/wordlist/english.txt PATHS /usr/lib/python3/dist-packages NO_DEFAULT_PATH)
if(NOT BIP39_WORDS)
  fan_missing("BIP-39's list of words" "apt-get install python3-mnemonic")
endif()
file(STRINGS ${BIP39_WORDS} words)
list(TRANSFORM words REPLACE "(.+)" "    \"\\1\",\n")
list(JOIN words "" words)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/made/mnemonic_words.h CONTENT "/* Made from python3-mnemonic's list. */\nstatic const char *const MNEMONIC_WORDS[] = {\n@words@};\n" @ONLY)

# The EVM leaf: a Rust static library, built by cargo into a cache outside the tree, so that a second clone
# does not compile 360 crates again. Always its release profile: a debug EVM would make the sanitizer runs crawl.
if(FANATICO_EVM)
  find_program(CARGO cargo HINTS $ENV{HOME}/.cargo/bin)
  if(NOT CARGO)
    fan_missing("cargo (Rust 1.91 or newer)" "install Rust with rustup, or configure with -DFANATICO_EVM=OFF")
  endif()
  if(DEFINED ENV{FANATICO_CACHE})
    set(FANATICO_CACHE $ENV{FANATICO_CACHE})
  else()
    set(FANATICO_CACHE $ENV{HOME}/.cache/fanatico)
  endif()
  set(leaf_dir ${CMAKE_SOURCE_DIR}/src/evm/leaf)
  set(leaf_target ${FANATICO_CACHE}/cargo)
  set(leaf_lib ${CMAKE_BINARY_DIR}/libfanatico_evm.a)
  file(GLOB_RECURSE leaf_sources CONFIGURE_DEPENDS ${leaf_dir}/src/*.rs)
  add_custom_command(
    OUTPUT ${leaf_lib}
    COMMAND ${CMAKE_COMMAND} -E env CARGO_TARGET_DIR=${leaf_target} ${CARGO} build --release --locked --manifest-path ${leaf_dir}/Cargo.toml
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${leaf_target}/release/libfanatico_evm.a ${leaf_lib}
    DEPENDS ${leaf_sources} ${leaf_dir}/Cargo.toml ${leaf_dir}/Cargo.lock
    COMMENT "EVM leaf (cargo; 2 to 3 minutes the first time)" USES_TERMINAL VERBATIM)
  add_custom_target(evm_leaf_build DEPENDS ${leaf_lib})
  add_library(fan::evm_leaf STATIC IMPORTED GLOBAL)
  set_target_properties(fan::evm_leaf PROPERTIES IMPORTED_LOCATION ${leaf_lib} INTERFACE_LINK_LIBRARIES "dl;m;pthread")
  add_dependencies(fan::evm_leaf evm_leaf_build)
endif()

pkg_check_modules(CRYPTO IMPORTED_TARGET libcrypto)
if(NOT CRYPTO_FOUND)
  fan_missing("OpenSSL 3" "apt-get install libssl-dev")
endif()
add_library(fan::crypto ALIAS PkgConfig::CRYPTO)

pkg_check_modules(SSL IMPORTED_TARGET libssl)
if(NOT SSL_FOUND)
  fan_missing("OpenSSL 3" "apt-get install libssl-dev")
endif()
add_library(fan::ssl ALIAS PkgConfig::SSL)
