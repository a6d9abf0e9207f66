/* notify: telling systemd how the service is, without its library.
 *
 * A datagram to the socket that NOTIFY_SOCKET names; where nothing names one (no systemd, another Type=), nothing
 * happens. Spec: sd_notify(3), sections "Description" and "Environment". Thread: main's. */
#ifndef CMD_NOTIFY_H
#define CMD_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Whether we are a service of systemd that tells how it is; systemctl reload then never ends us. */
bool notify_wanted(void);
/* Lines of VARIABLE=value: "READY=1\nSTATUS=…", "STOPPING=1", "WATCHDOG=1". */
void notify_systemd(const char *lines);
/* How often systemd wants to hear WATCHDOG=1, halved, so that a late one is in time; 0: it does not. */
uint64_t notify_watchdog_ms(void);

#endif
