/* fork: which rules hold at a block.
 *
 * A chain's genesis says when each fork begins: by block number up to the Merge, by timestamp after it. Everything that
 * depends on rules asks fork_at() once per block and then compares with >=, since forks are ordered. Spec:
 * execution-specs, one module per fork; EIP-7840 (blobSchedule); geth's params.ChainConfig for the JSON names. */
#ifndef ETH_FORK_H
#define ETH_FORK_H

#include "base/arena.h"

/* In order. The numbers cross the border to the EVM leaf (evm/evm.h), whose test holds both sides equal. */
#define FORK_TABLE(X)                                                                                                  \
    X(FORK_FRONTIER, "frontier")                                                                                       \
    X(FORK_HOMESTEAD, "homestead")                                                                                     \
    X(FORK_DAO, "dao")                                                                                                 \
    X(FORK_TANGERINE, "tangerine") /* EIP-150 */                                                                       \
    X(FORK_SPURIOUS, "spurious")   /* EIP-155, 158, 160, 161, 170 */                                                   \
    X(FORK_BYZANTIUM, "byzantium")                                                                                     \
    X(FORK_CONSTANTINOPLE, "constantinople")                                                                           \
    X(FORK_PETERSBURG, "petersburg")                                                                                   \
    X(FORK_ISTANBUL, "istanbul")                                                                                       \
    X(FORK_MUIR_GLACIER, "muirGlacier")                                                                                \
    X(FORK_BERLIN, "berlin")                                                                                           \
    X(FORK_LONDON, "london")                                                                                           \
    X(FORK_ARROW_GLACIER, "arrowGlacier")                                                                              \
    X(FORK_GRAY_GLACIER, "grayGlacier")                                                                                \
    X(FORK_PARIS, "paris") /* the Merge */                                                                             \
    X(FORK_SHANGHAI, "shanghai")                                                                                       \
    X(FORK_CANCUN, "cancun")                                                                                           \
    X(FORK_PRAGUE, "prague")                                                                                           \
    X(FORK_OSAKA, "osaka")

/* clang-format off */
enum fork {
#define X(name, text) name,
    FORK_TABLE(X)
#undef X
    FORK_COUNT,
    FORK_NEWEST = FORK_COUNT - 1
};
/* clang-format on */

/* EIP-7840: counts of blobs per block and the fee's update fraction. */
struct blob_params {
    uint64_t target, max, update_fraction;
};

/* Blob-parameter-only forks (EIP-7892) raise the limits between forks. */
enum { BLOB_SCHEDULE_MAX = 16 };
#define FORK_NEVER UINT64_MAX

struct chain_config {
    uint64_t chain_id;
    uint64_t fork_block[FORK_PARIS]; /* FRONTIER … GRAY_GLACIER: first block, or FORK_NEVER */
    uint64_t merge_block; /* first block after the Merge; 0 when terminalTotalDifficulty is 0; or FORK_NEVER */
    struct fan_u256 terminal_total_difficulty;
    bool has_terminal_total_difficulty;
    uint64_t fork_time[FORK_COUNT]; /* SHANGHAI …: first timestamp, or FORK_NEVER; earlier entries unused */
    bool dao_support;
    struct fan_address deposit_contract; /* EIP-6110; main net's when the genesis names none */
    uint64_t code_size_max; /* a development chain's own limit of a contract's code (EIP-170); 0: the fork's */
    size_t blob_count;
    struct {
        uint64_t from_time;
        char name[16]; /* "cancun", "bpo1" … as in blobSchedule */
        struct blob_params params;
    } blob[BLOB_SCHEDULE_MAX]; /* by from_time, ascending */
};

/* A configuration with no fork but Frontier, main net's deposit contract and no blob schedule: where reading a genesis
 * begins. */
void chain_config_init(uint64_t chain_id, struct chain_config *out);
/* Adds an entry to the blob schedule, behind those of the same time. False when it is full or the name too long. */
bool chain_config_add_blobs(struct chain_config *c, const char *name, uint64_t from_time,
                            const struct blob_params *params);
/* What geth's params give "cancun", "prague", "bpo1" … "bpo4" where a genesis has no blobSchedule; false for other
 * names. */
bool blob_params_default(const char *name, struct blob_params *out);
/* The development chain's rules: everything up to `newest` from genesis on, default blob parameters. */
void chain_config_dev(uint64_t chain_id, enum fork newest, struct chain_config *out);
/* The fork whose rules a block of that number and timestamp obeys. As in geth, the first fork by time implies the
 * Merge; between a Merge by total difficulty and that time only merge_block tells, so whoever sees the Merge happen
 * sets it. */
enum fork fork_at(const struct chain_config *c, uint64_t number, uint64_t timestamp);
/* Blob parameters at a timestamp; false before Cancun. */
bool blob_params_at(const struct chain_config *c, uint64_t timestamp, struct blob_params *out);
const char *fork_name(enum fork f);
/* By name in any case, also "latest", "merge" for Paris, anvil's and Hardhat's spellings; false when unknown. */
bool fork_by_name(struct slice name, enum fork *out);
/* Blob base fee (EIP-4844's fake_exponential), wei; saturates at UINT64_MAX. */
uint64_t blob_base_fee(uint64_t excess_blob_gas, uint64_t update_fraction);
/* Next block's excess blob gas from its parent's header values (EIP-4844; EIP-7918 from Osaka on). */
uint64_t next_excess_blob_gas(enum fork f, const struct blob_params *p, uint64_t parent_excess, uint64_t parent_used,
                              uint64_t parent_base_fee);

#endif
