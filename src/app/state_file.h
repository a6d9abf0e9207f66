/* state_file: a development chain's state in a file between two runs (--state, --load-state, --dump-state), in anvil's
 * form: accounts, not blocks (api/state_json.h).
 *
 * Thread: the one that opened the chain, while its writer does not run. */
#ifndef APP_STATE_FILE_H
#define APP_STATE_FILE_H

#include "chain/dev.h"

/* Lays the file's accounts over the head's state. A folder means its state.json. missing_is_fine: then a file that is
 * not there changes nothing. FAN_EIO, FAN_EFORMAT: err names the file and what is wrong. */
FAN_MUST_CHECK enum fan_status state_file_load(struct chain *c, const char *path, bool missing_is_fine,
                                               struct fan_error *err);
/* Writes it; the file appears under its name once it is whole. FAN_EIO: err. */
FAN_MUST_CHECK enum fan_status state_file_save(struct chain *c, const char *path, struct fan_error *err);

#endif
