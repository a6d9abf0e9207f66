/* trace_config: the configuration of debug_trace*, as geth reads it.
 *
 *   {"tracer": "callTracer", "tracerConfig": {"withLog": true}, "timeout": "5s"}
 *   {"enableMemory": true, "disableStack": true, "limit": 1000}                     the struct logger
 *
 * What is absent is off; keys that geth does not know are passed over, as it does, and so is `reexec`. A tracer in
 * JavaScript is refused in words: there is no interpreter here.
 *
 * Not here: overrides and txIndex of debug_traceCall (debug_trace.c), what tracers do (evm/leaf/src/trace). */
#ifndef API_TRACE_CONFIG_H
#define API_TRACE_CONFIG_H

#include "api/params.h"
#include "chain/chain.h"

/* No trace may ask for more time than this. */
#define TRACE_TIMEOUT_MS_MAX 300000u

struct trace_config {
    struct chain_tracer_config tracer;
    bool has_timeout;
    uint64_t timeout_ms; /* at most TRACE_TIMEOUT_MS_MAX */
};

/* The parameter at index; absent is the struct logger with nothing set. */
void trace_config_read(struct params *p, size_t index, struct trace_config *out);
/* A duration as Go writes them: "300ms", "1m30s", "1.5h". False: it is none, or below zero. Above UINT64_MAX
 * milliseconds it is that. */
bool trace_duration_ms(struct slice text, uint64_t *out_ms);

#endif
