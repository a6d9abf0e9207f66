/* method: what every method begins and ends with. */
#ifndef API_METHOD_H
#define API_METHOD_H

#include "api/api.h"
#include "api/params.h"

struct api *api_of(const struct call *call);
/* The call's parameters, at most so many. */
struct params params_of_call(struct call *call, size_t most);
/* True when something did not fit: the call has then been answered. */
bool params_refused(const struct params *p, struct call *call);

/* Each of these ends the call. */
void answer_null(struct call *call);
void answer_true(struct call *call);
/* A failure that is not the parameters': -32000 with err's words where a rule refused or something is not
 * supported, else by rpc's table. err may be
 * NULL. */
void answer_status(struct call *call, enum fan_status s, const struct fan_error *err);
/* null, or the failure. */
void answer_done(struct call *call, enum fan_status s, const struct fan_error *err);

#endif
