/* page: the status page, as it lies in the binary.
 *
 * web/ holds its three sources; tools/embed_page.c joins them to one document, so that the page works below whatever path
 * a proxy puts it, and writes the policy that allows exactly its style, its script and the WebSocket it came with.
 * It reads what any client can: newHeads, and fanatico_status (status.h).
 *
 * Not here: who may see it (routes.c). */
#ifndef APP_PAGE_H
#define APP_PAGE_H

#include "base/slice.h"

extern const struct slice page_html;
extern const struct slice page_headers; /* whole lines: the policy, and that it is not to be kept */

#endif
