/* state_json: a state as anvil writes it (SerializableState), so that either node reads what the other was given.
 *
 * Accounts alone: blocks of ours would not be blocks of theirs. anvil_dumpState and anvil_loadState send it,
 * --dump-state and --load-state keep it in a file (app/state_file.h). */
#ifndef API_STATE_JSON_H
#define API_STATE_JSON_H

#include "api/params.h"
#include "chain/dev.h"

/* Writer's thread, or before it starts or after its end. FAN_ENOMEM, FAN_ELIMIT: w's buffer. */
FAN_MUST_CHECK enum fan_status state_put_json(struct chain *c, struct json_writer *w);
/* The accounts of a state's JSON, in p's arena; what does not fit is p's to tell, under `at`. Blocks and time are
 * passed over. */
void state_read_json(struct params *p, const struct where *at, struct slice text,
                     const struct genesis_account **out_accounts, size_t *out_count);

#endif
