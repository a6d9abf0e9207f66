/* table: from a method's name to its row.
 *
 * Built once, read by every call of every worker: an open table four times as large as its rows, so that a look-up is
 * one hash, one comparison of lengths and one memcmp. Names are ours and few, so the hash needs no secret: a stranger
 * chooses what is looked up, not what is in it. Thread: any, once built. */
#ifndef RPC_TABLE_H
#define RPC_TABLE_H

#include "rpc/access.h"

struct method_cell {
    const struct rpc_method *method; /* NULL: free */
    uint32_t name_len;
    struct rpc_access access;
    uint32_t rank; /* in the sorted list */
};

struct method_table {
    struct method_cell *cells; /* cap is a power of two */
    size_t cap;
    const struct rpc_method **sorted; /* by name */
    size_t count;
};

/* options say who may, and may be NULL. FAN_EEXIST: two rows of one name. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status method_table_init(struct method_table *t, const struct rpc_method *const *tables,
                                                 const size_t *counts, size_t table_count,
                                                 const struct rpc_options *options);
void method_table_fini(struct method_table *t);                                              /* a zeroed one is fine */
const struct method_cell *method_table_get(const struct method_table *t, struct slice name); /* NULL: no such method */

#endif
