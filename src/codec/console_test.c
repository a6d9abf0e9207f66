#include "base/test.h"
#include "codec/console.h"
#include "codec/hex.h"

/* The calldata of a signature's selector and words, each 64 digits, against what is written; NULL: nothing. That all
 * forms are anvil's is test/cli/console.test.cjs. */
#define WORD(digits) "00000000000000000000000000000000000000000000000000000000000000" digits
TEST(calldata_becomes_a_line_or_nothing, t)
{
    static const struct {
        const char *calldata, *line;
    } row[] = {
        {"51973ec9", ""}, /* log() */
        {"f82c50f1" WORD("2a"), "42"},
        {"41304fac" WORD("20") WORD("02") "6869000000000000000000000000000000000000000000000000000000000000", "hi"},
        {"41304fac" WORD("20") WORD("02") "6869", "hi"}, /* not padded */
        {"41304fac" WORD("20") WORD("03") "6869", NULL},
        {"41304fac" WORD("20"), NULL},
        {"41304fac" WORD("40") WORD("00"), NULL},
        {"41304fac"
         "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" WORD("00"),
         NULL},
        {"f82c50f1", NULL},
        {"12345678" WORD("2a"), NULL},
        {"f82c50", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct buf out;
        uint8_t bytes[256];
        size_t len = strlen(row[i].calldata) / 2;

        REQUIRE(t, !hex_decode(slice_str(row[i].calldata), bytes));
        buf_init(&out, 0);
        CHECK_EQ(t, console_write(slice_of(bytes, len), &out), row[i].line != NULL);
        CHECK_SLICE(t, buf_peek(&out), slice_str(row[i].line ? row[i].line : ""));
        buf_fini(&out);
    }
}
