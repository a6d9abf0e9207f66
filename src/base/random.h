/* random: bytes nobody can guess, from the kernel's generator. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

/* Fills len bytes at `out`. Any thread. Aborts when the kernel gives none, since an id that
 * can be guessed would be worse than no server. */
void random_bytes(void *out, size_t len);

#endif
