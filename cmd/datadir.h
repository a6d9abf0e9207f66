/* datadir: the folder that --datadir names, and whether what it holds is the chain that is meant. */
#ifndef CMD_DATADIR_H
#define CMD_DATADIR_H

#include "devchain.h"
#include "store/store.h"

/* Opens the store in the folder; `make`: makes folder and store where there are none. err says what, where and what to do. */
FAN_MUST_CHECK enum fan_status datadir_open(const char *dir, bool make, bool read_only, struct store **out,
                                            struct fan_error *err);
/* The same for a server, to write in. takeover: while another process has the folder, waits for its end, at most a minute or until
 * a signal asks for ours; says so once in the log. */
FAN_MUST_CHECK enum fan_status datadir_open_server(const char *dir, bool make, bool takeover, struct store **out, struct fan_error *err);
/* The genesis of the chain in the store, in the arena. FAN_ENOTFOUND: not initialised. */
FAN_MUST_CHECK enum fan_status datadir_genesis(struct store *store, struct arena *a, struct genesis *out,
                                               struct fan_error *err);
/* FAN_EREJECTED: the file's genesis makes another chain than the one in the folder. */
FAN_MUST_CHECK enum fan_status datadir_same_genesis(struct store *store, const struct genesis *kept,
                                                    const struct genesis *given, const char *path,
                                                    struct fan_error *err);
/* A folder that holds a chain decides about the development chain's genesis; options that contradict it are told. An
 * empty one begins with the genesis of the options. */
FAN_MUST_CHECK enum fan_status datadir_dev_genesis(struct store *store, const struct options *o, struct devchain *d,
                                                   struct fan_error *err);

#endif
