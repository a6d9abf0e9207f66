/* fanatico genesis: prints a development chain's genesis.json. */
#include <stdio.h>

#include "commands.h"
#include "devchain.h"

int command_genesis(int argc, char **argv)
{
    struct options o;
    struct fan_error err = {""};
    enum options_outcome outcome;
    struct devchain chain = {0};
    struct buf text;
    struct json_writer w;
    int code = 0;

    if (options_read(&o, 'G', "Usage: fanatico genesis [OPTIONS]\n\nPrints the genesis.json of the development chain that the same options would start.\n"
                              "Give --timestamp to both, since the genesis block's hash depends on it.\n",
                     argc, argv, &outcome, &err))
        return complain(2, err.text);
    if (outcome == OPTIONS_DONE) return 0;
    buf_init(&text, 0);
    if (devchain_init(&chain, &o, &err)) code = complain(2, err.text);
    else {
        w = json_writer_of(&text);
        genesis_put_json(&chain.genesis, &w);
        buf_put_byte(&text, '\n');
        if (text.failed || fwrite(text.at, 1, text.len, stdout) != text.len) code = complain(1, "the genesis cannot be written");
    }
    buf_fini(&text);
    devchain_fini(&chain);
    return code;
}
