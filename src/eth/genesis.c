/* What every genesis header has in common, however it came about. */
#include "eth/genesis.h"

#include "codec/keccak.h"

/* sha256 of nothing: the requests of a block without any (EIP-7685). */
static const struct fan_hash no_requests = {{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                                             0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                                             0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}};

void genesis_header_init(struct header *h, enum fork f)
{
    *h = (struct header){.ommers_hash = KECCAK_EMPTY_LIST,
                         .state_root = KECCAK_EMPTY_TRIE,
                         .transactions_root = KECCAK_EMPTY_TRIE,
                         .receipts_root = KECCAK_EMPTY_TRIE,
                         .extent = header_extent_of(f)};
    if (h->extent >= HEADER_SHANGHAI) h->withdrawals_root = KECCAK_EMPTY_TRIE;
    if (h->extent >= HEADER_PRAGUE) h->requests_hash = no_requests;
}
