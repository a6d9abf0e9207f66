"""The options of the two commands: flag, environment variable and key of a TOML file, as `fanatico ws` has them.

A flag wins over its variable, that over the file that --config names, and that over the default. The table is that of
the binary, so that one file may serve both: a key of a command that is not this one is passed over, one of none is an
error with its line.
"""
import argparse
import os
import re

# flag | variable | kind | value | default | commands | group | help
TABLE = """<!-- options: check_docs.py --write makes this table -->
port | FANATICO_PORT | PORT | N |  | DN | Servers | HTTP and WebSocket on this one port instead of two
host | FANATICO_HOST | TEXT | ADDR |  | DN | Servers | address of both servers, where --http-host and --ws-host say nothing
http-host | HTTP_HOST | TEXT | ADDR | 127.0.0.1 | DN | Servers | address of the HTTP server
http-port | HTTP_PORT | PORT | N | 8545 | DN | Servers | port of the HTTP server (takes WebSocket upgrades too); 0 takes a free one
ws-host | WS_HOST | TEXT | ADDR | 0.0.0.0 | DNW | Servers | address of the WebSocket server
ws-port | WS_PORT | PORT | N | 8546 | DNW | Servers | port of the WebSocket server; 0 takes a free one
ipcpath | FANATICO_IPCPATH | TEXT | PATH |  | DNW | Servers | serve this machine's clients on a Unix socket too; a bare name lies in --datadir, where there is one
ready-file | FANATICO_READY_FILE | TEXT | PATH |  | DNW | Servers | write the ports there, as JSON, once the server accepts
workers | FANATICO_WORKERS | COUNT | N | 0 | DNW | Servers | threads that serve clients; 0 means one per core
takeover | FANATICO_TAKEOVER | SWITCH |  |  | DNW | Servers | share the ports with a predecessor that is draining; wait for it to leave the datadir
no-ws-deflate | FANATICO_NO_WS_DEFLATE | SWITCH |  |  | DNW | Servers | decline permessage-deflate: everything leaves uncompressed
tls-cert | FANATICO_TLS_CERT | TEXT | FILE |  | DNW | Servers | PEM: the certificate, then those that lead to its authority; the ports then speak TLS (https, wss)
tls-key | FANATICO_TLS_KEY | TEXT | FILE |  | DNW | Servers | PEM: its private key; SIGHUP reads both files again
http-rpcprefix | FANATICO_HTTP_RPCPREFIX | TEXT | PATH |  | DN | Servers | serve JSON-RPC over HTTP on all paths that begin so, instead of / and /ws
ws-rpcprefix | FANATICO_WS_RPCPREFIX | TEXT | PATH |  | DNW | Servers | open WebSockets on all paths that begin so, instead of / and /ws
feed | FANATICO_FEED | TEXT | PATH |  | W | Servers | a Unix socket where other processes give hooks; standard input, when not given
upstream-http | FANATICO_UPSTREAM_HTTP | TEXT | URL |  | W | Servers | the node that methods go to which are not the server's own
upstream-timeout | FANATICO_UPSTREAM_TIMEOUT | DURATION | S | 45 | W | Servers | how long it may take to answer
history-blocks | FANATICO_HISTORY_BLOCKS | COUNT | N | 1024 | W | Servers | blocks kept, for resuming and for reorgs
block-time | FANATICO_BLOCK_TIME | DURATION | S | 0 | DN | Chain | seal a block every S seconds (500ms works) instead of at once for what is sent (node: 1)
no-mining | FANATICO_NO_MINING | SWITCH |  |  | D | Chain | seal only when evm_mine asks
order | FANATICO_ORDER | TEXT | HOW | fees | D | Chain | which transactions a block takes first: those that pay most (fees), or that came first (fifo), as one made at once does in any case
max-transactions | FANATICO_MAX_TRANSACTIONS | COUNT | N |  | D | Chain | how many a block takes; as many as fit, when not given
mixed-mining | FANATICO_MIXED_MINING | SWITCH |  |  | D | Chain | with --block-time: a block for each transaction too
block-per-transaction | FANATICO_BLOCK_PER_TRANSACTION | SWITCH |  |  | D | Chain | a block for each transaction, also where those of several senders wait together and would share one
accounts | FANATICO_ACCOUNTS | COUNT | N | 10 | DG | Chain | unlocked accounts, each with a balance
balance | FANATICO_BALANCE | ETHER | ETH | 10000 | DG | Chain | what each of them owns
mnemonic | FANATICO_MNEMONIC | TEXT | WORDS | test test test test test test test test test test test junk | DG | Chain | BIP-39 words their keys derive from
mnemonic-random | FANATICO_MNEMONIC_RANDOM | COUNT | WORDS |  | D | Chain | derive them from so many fresh words, 12 to 24 (alone: 12), which the banner shows
mnemonic-seed-unsafe | FANATICO_MNEMONIC_SEED_UNSAFE | COUNT | SEED |  | D | Chain | derive them from the words that anvil makes of this number: anybody can
derivation-path | FANATICO_DERIVATION_PATH | TEXT | PATH | m/44'/60'/0'/0/ | DG | Chain | where their keys lie below the words, each by its index (BIP-44)
chain-id | FANATICO_CHAIN_ID | COUNT | N | 31337 | DGW | Chain | the chain's id
hardfork | FANATICO_HARDFORK | TEXT | NAME | osaka | DG | Chain | the newest fork whose rules hold, from genesis on
gas-limit | FANATICO_GAS_LIMIT | COUNT | GAS | 30000000 | DGN | Chain | gas of a block
coinbase | FANATICO_COINBASE | ADDRESS | ADDR | 0x0000000000000000000000000000000000000000 | DN | Chain | who earns the tips
timestamp | FANATICO_TIMESTAMP | COUNT | T |  | DG | Chain | timestamp of the genesis block, from which time goes on; now, when not given
block-base-fee-per-gas | FANATICO_BLOCK_BASE_FEE_PER_GAS | COUNT | WEI |  | D | Chain | base fee of the first blocks; 1 gwei, on a fork what follows, when not given
code-size-limit | FANATICO_CODE_SIZE_LIMIT | COUNT | BYTES |  | D | Chain | how large a contract's code may be; 24576 (EIP-170), when not given
disable-code-size-limit | FANATICO_DISABLE_CODE_SIZE_LIMIT | SWITCH |  |  | D | Chain | however large it is
disable-default-create2-deployer | FANATICO_DISABLE_DEFAULT_CREATE2_DEPLOYER | SWITCH |  |  | DG | Chain | leave the CREATE2 deployer away
auto-impersonate | FANATICO_AUTO_IMPERSONATE | SWITCH |  |  | D | Chain | anybody may send, without a signature
slots-in-an-epoch | FANATICO_SLOTS_IN_AN_EPOCH | COUNT | N | 32 | D | Chain | safe is so many blocks behind the head, finalized twice as many
prune-history | FANATICO_PRUNE_HISTORY | COUNT | N |  | D | Chain | keep the states of N blocks below the head (alone: 1), not of all
state | FANATICO_STATE | TEXT | FILE |  | D | Chain | load the state kept there, if there is one, and keep it there at the end
load-state | FANATICO_LOAD_STATE | TEXT | FILE |  | D | Chain | lay the accounts of an anvil_dumpState (its JSON) over the first block
dump-state | FANATICO_DUMP_STATE | TEXT | FILE |  | D | Chain | keep the state there at the end
steps-tracing | FANATICO_STEPS_TRACING | SWITCH |  |  | D | Chain | taken for anvil's sake: traces are always there
genesis | FANATICO_GENESIS | TEXT | FILE |  | DGI | Chain | begin from geth's genesis.json
import | FANATICO_IMPORT | TEXT | FILE |  | DN | Chain | then import the RLP blocks of FILE (.gz too), each fully validated, while clients are served
datadir | FANATICO_DATADIR | TEXT | DIR |  | DNICPE | Chain | the folder the chain survives in; dev makes it, node wants fanatico init first
archive | FANATICO_ARCHIVE | SWITCH |  |  | NP | Chain | keep the state of every block, not only of the last 128
fork-url | FANATICO_FORK_URL | TEXT | URL |  | D | Fork | begin on top of another node's chain: http, https, ws or wss
fork-block-number | FANATICO_FORK_BLOCK_NUMBER | COUNT | N |  | D | Fork | on top of this block; the node's latest, when not given
fork-header | FANATICO_FORK_HEADER | TEXT | LINE |  | D | Fork | "Name: value", sent to that node with every request
fork-timeout | FANATICO_FORK_TIMEOUT | DURATION | S | 45 | D | Fork | how long it may take to answer
timeout | FANATICO_TIMEOUT | COUNT | MS |  | D | Fork | the same in milliseconds, as anvil has it
retries | FANATICO_RETRIES | COUNT | N | 5 | D | Fork | how often it is asked again when it does not answer
fork-retry-backoff | FANATICO_FORK_RETRY_BACKOFF | COUNT | MS | 1000 | D | Fork | pause in milliseconds, as anvil has it, before it is asked again; each further is longer by as much
cache-path | FANATICO_CACHE_PATH | TEXT | DIR |  | D | Fork | where its answers are kept over restarts; fanatico/fork in the user's cache folder, when not given
no-storage-caching | FANATICO_NO_STORAGE_CACHING | SWITCH |  |  | D | Fork | keep none of its answers on disk
dev-methods | FANATICO_DEV_METHODS | TEXT | WHO | loopback | D | Access | who may sign and use evm_*, anvil_*, hardhat_*: loopback, all or none
http-vhosts | FANATICO_HTTP_VHOSTS | LIST | NAMES |  | DNW | Access | Host names to answer beside IP addresses and localhost; * for any
http-corsdomain | FANATICO_HTTP_CORSDOMAIN | LIST | ORIGINS |  | DN | Access | web origins that may call over HTTP beside loopback ones; * for any
ws-origins | FANATICO_WS_ORIGINS | LIST | ORIGINS |  | DNW | Access | web origins that may open a WebSocket beside loopback ones; * for any
http-api | FANATICO_HTTP_API | LIST | NAMES |  | DN | Access | namespaces that answer over HTTP (eth,net,web3); all, when not given
ws-api | FANATICO_WS_API | LIST | NAMES |  | DNW | Access | namespaces that answer over WebSocket; all, when not given
jwt-secret | FANATICO_JWT_SECRET | TEXT | FILE |  | DNW | Access | look at tokens (Authorization: Bearer, HS256) signed with the 32 bytes in FILE, 64 hex digits
jwt-namespaces | FANATICO_JWT_NAMESPACES | LIST | NAMES | * | DNW | Access | namespaces that then want a token; * for all
trusted-proxies | FANATICO_TRUSTED_PROXIES | LIST | NETWORKS |  | DNW | Access | proxies (10.0.0.0/8, ::1) whose X-Forwarded-For, X-Forwarded-Proto and Forwarded are believed
proxy-protocol | FANATICO_PROXY_PROTOCOL | SWITCH |  |  | DNW | Access | each connection of a trusted proxy begins with a PROXY header (version 1 or 2)
log-level | FANATICO_LOG_LEVEL | TEXT | LEVEL | info | DNW | Operating | what is told on standard error: error, warn, info or debug; dev and ws tell warn, when not given
log-format | FANATICO_LOG_FORMAT | TEXT | FORM | text | DNW | Operating | text for people, or json: an object a line, and no banner and no blocks beside it
log-file | FANATICO_LOG_FILE | TEXT | PATH |  | DNW | Operating | to the end of that file instead; SIGHUP opens it anew
drain-delay | FANATICO_DRAIN_DELAY | DURATION | S | 0 | DNW | Operating | after SIGTERM go on for so long while /readyz says 503, for load balancers to look elsewhere
drain-timeout | FANATICO_DRAIN_TIMEOUT | DURATION | S | 5 | DNW | Operating | then how long clients may take to go
metrics-access | FANATICO_METRICS_ACCESS | TEXT | WHO | loopback | DNW | Operating | who may read /metrics and /status at the HTTP and WebSocket ports: loopback, all or none
no-status-page | FANATICO_NO_STATUS_PAGE | SWITCH |  |  | DNW | Operating | no status page for browsers, at / of the HTTP and WebSocket ports, for those who may read /status
metrics | FANATICO_METRICS | SWITCH |  |  | DNW | Operating | a port of their own for /metrics, /status, /livez and /readyz, where whoever reaches it may read
metrics-addr | FANATICO_METRICS_ADDR | TEXT | ADDR | 127.0.0.1 | DNW | Operating | its address
metrics-port | FANATICO_METRICS_PORT | PORT | N | 6060 | DNW | Operating | its port, which opens it too; 0 takes a free one
max-connections | MAX_CONNECTIONS | COUNT | N | 1000 | DNW | Limits | WebSockets in the whole process
http-max-connections | FANATICO_HTTP_MAX_CONNECTIONS | COUNT | N | 1000 | DNW | Limits | HTTP connections in the whole process
max-connections-per-ip | FANATICO_MAX_CONNECTIONS_PER_IP | COUNT | N | 0 | DNW | Limits | connections of one address (of one /64 in IPv6); 0: no such limit
requests-per-second-per-ip | FANATICO_REQUESTS_PER_SECOND_PER_IP | COUNT | N | 0 | DNW | Limits | requests of one address over time, each item of a batch; 0: no such limit
requests-burst-per-ip | FANATICO_REQUESTS_BURST_PER_IP | COUNT | N | 0 | DNW | Limits | and at once; 0: as many as in ten seconds
max-subscriptions-per-connection | MAX_SUBSCRIPTIONS_PER_CONNECTION | COUNT | N | 100 | DNW | Limits | subscriptions of one client
ws-resume-blocks | FANATICO_WS_RESUME_BLOCKS | COUNT | N | 10000 | DN | Limits | how far back a subscription may resume
ping-interval | PING_INTERVAL | DURATION | S | 30 | DNW | Limits | silence after which a client is pinged
ping-timeout | PING_TIMEOUT | DURATION | S | 10 | DNW | Limits | how long it may take to answer
notify-memory | FANATICO_NOTIFY_MEMORY | BYTES | BYTES | 16M | DNW | Limits | notifications that may wait for one client
notify-age | FANATICO_NOTIFY_AGE | DURATION | S | 10 | DNW | Limits | and how long the oldest may wait
notify-linger | FANATICO_NOTIFY_LINGER | DURATION | S | 30 | DNW | Limits | how long a client closed for its slowness may take to read that
input-memory | FANATICO_INPUT_MEMORY | BYTES | BYTES | 1G | DNW | Limits | messages that come in or wait for their answer, in the whole process
output-memory | FANATICO_OUTPUT_MEMORY | BYTES | BYTES | 1G | DNW | Limits | output that may wait in the whole process
rpc-gascap | FANATICO_RPC_GASCAP | COUNT | GAS | 50000000 | DN | Limits | gas of eth_call and its kin
rpc-evmtimeout | FANATICO_RPC_EVMTIMEOUT | DURATION | S | 5 | DN | Limits | time of eth_call and its kin
rpc-batch-request-limit | FANATICO_RPC_BATCH_REQUEST_LIMIT | COUNT | N | 1000 | DNW | Limits | items of a batch
rpc-batch-response-max-size | FANATICO_RPC_BATCH_RESPONSE_MAX_SIZE | BYTES | BYTES | 25000000 | DNW | Limits | bytes of a reply
rpc-logs-max | FANATICO_RPC_LOGS_MAX | COUNT | N | 100000 | DN | Limits | results of eth_getLogs
filter-timeout | FANATICO_FILTER_TIMEOUT | DURATION | S | 300 | DNW | Limits | polling filters (eth_newFilter) unused for so long go
disable-console-log | FANATICO_DISABLE_CONSOLE_LOG | SWITCH |  |  | D | Output | do not print what contracts say by console.log
config-out | FANATICO_CONFIG_OUT | TEXT | FILE |  | D | Output | write accounts, keys and words there as JSON, in anvil's form
client-version | FANATICO_CLIENT_VERSION | TEXT | TEXT |  | DNW | Output | what web3_clientVersion answers
silent | FANATICO_SILENT | SWITCH |  |  | DNWPE | Output | print no banner, no blocks, no transactions
config | FANATICO_CONFIG | TEXT | FILE |  | * | Configuration | read options from a TOML file; variables and flags win over it
print-config | FANATICO_PRINT_CONFIG | SWITCH |  |  | * | Configuration | print all options as such a file, and end
check-config | FANATICO_CHECK_CONFIG | SWITCH |  |  | DNW | Configuration | say whether options and files fit, and end
<!-- end of options -->"""

# What the server calls them, for the commands here: those of `fanatico ws` but its log, of which the library writes none.
NAMES = {
    "ws-host": "ws_host", "ws-port": "ws_port", "ipcpath": "ipc_path", "feed": "feed_path", "upstream-http": "upstream_url",
    "upstream-timeout": "upstream_timeout_ms", "chain-id": "chain_id", "history-blocks": "history_blocks", "workers": "workers", "takeover": "takeover",
    "no-ws-deflate": "no_ws_deflate", "tls-cert": "tls_cert", "tls-key": "tls_key", "ws-rpcprefix": "ws_rpcprefix", "http-vhosts": "http_vhosts",
    "ws-origins": "ws_origins", "ws-api": "ws_api", "jwt-secret": "jwt_secret_path", "jwt-namespaces": "jwt_namespaces",
    "trusted-proxies": "trusted_proxies", "proxy-protocol": "proxy_protocol", "drain-timeout": "drain_ms", "metrics-access": "metrics_access",
    "no-status-page": "no_status_page", "metrics-addr": "metrics_host", "max-connections": "max_connections",
    "http-max-connections": "http_max_connections", "max-connections-per-ip": "max_connections_per_ip",
    "requests-per-second-per-ip": "requests_per_second_per_ip", "requests-burst-per-ip": "requests_burst_per_ip",
    "max-subscriptions-per-connection": "max_subscriptions_per_connection", "ping-interval": "ping_interval_ms", "ping-timeout": "ping_timeout_ms",
    "notify-memory": "notify_bytes_max", "notify-age": "notify_age_max_ms", "notify-linger": "notify_linger_ms", "input-memory": "input_bytes_max",
    "output-memory": "output_bytes_max", "rpc-batch-request-limit": "batch_items_max", "rpc-batch-response-max-size": "reply_bytes_max",
    "filter-timeout": "filter_timeout_ms", "client-version": "client_version",
}
# And what the HTTP server of combined_server has beside them.
HTTP_NAMES = {
    "http-host": "http_host", "http-port": "http_port", "http-corsdomain": "http_corsdomain", "http-api": "http_api", "http-rpcprefix": "http_rpcprefix",
}
# What is not the server's but the command's.
OWN = ("metrics", "metrics-port", "ready-file", "drain-delay", "silent", "config", "print-config", "check-config")
ALIASES = {"authrpc-jwtsecret": "jwt-secret", "http-addr": "http-host", "ws-addr": "ws-host"}  # geth's spellings
UNSAID = ("chain-id",)  # where nothing is given they are not the default's: the node upstream, or the program, knows


class Row:
    def __init__(self, line):
        self.flag, self.variable, self.kind, self.value, self.default, self.commands, self.group, self.help = (cell.strip() for cell in line.split(" | "))

    def read(self, text):
        """The text as the server takes it. ValueError: it does not fit."""
        if self.kind == "SWITCH":
            if text not in ("true", "1", "false", "0"):
                raise ValueError(f"{text!r} is not true or false")
            return text in ("true", "1")
        if self.kind in ("PORT", "COUNT"):
            if not re.fullmatch("[0-9]+", text) or int(text) >= (65536 if self.kind == "PORT" else 1 << 63):
                raise ValueError(f"{text!r} is not a {'port (0 to 65535)' if self.kind == 'PORT' else 'whole number'}")
            if self.kind == "COUNT" and int(text) == 0 and self.default not in ("", "0"):
                raise ValueError(f"{text!r} is not a count (1 or more)")
            return int(text)
        if self.kind == "DURATION":
            m = re.fullmatch(r"([0-9]+\.?[0-9]*)(ms|s|m|)", text)
            if not m or float(m[1]) > 1e9:
                raise ValueError(f"{text!r} is not a duration (30, 30s, 500ms)")
            return int(float(m[1]) * {"ms": 1, "s": 1000, "m": 60000, "": 1000}[m[2]] + 0.5)
        if self.kind == "BYTES":
            m = re.fullmatch("([0-9]+)([KMG]?)", text)
            if not m or int(m[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[m[2]] >= 1 << 63:
                raise ValueError(f"{text!r} is not a size (1000, 64K, 16M, 1G)")
            return int(m[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[m[2]]
        return text


ROWS = {row.flag: row for row in map(Row, TABLE.split("\n")[1:-1])}


def plain(name):
    """Dots and underscores are dashes."""
    name = re.sub("[._]", "-", name)
    return ALIASES.get(name, name)


def rows_of(http):
    flags = {**NAMES, **(HTTP_NAMES if http else {}), **dict.fromkeys(OWN)}
    return [row for row in ROWS.values() if row.flag in flags]


class Parser(argparse.ArgumentParser):
    def __init__(self, http, **others):
        super().__init__(allow_abbrev=False, usage="%(prog)s [OPTIONS]", formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=40), **others)
        self.rows = rows_of(http)
        groups = {}
        for row in self.rows:
            group = groups.setdefault(row.group, row.group not in groups and self.add_argument_group(row.group))
            more = ([row.default] if row.default and row.kind != "SWITCH" and row.flag not in UNSAID else []) + [f"variable {row.variable}"]
            kind = {"action": "store_const", "const": "true"} if row.kind == "SWITCH" else {"metavar": row.value}
            group.add_argument("--" + row.flag, dest=row.flag, help=f"{row.help} [{'; '.join(more)}]".replace("%", "%%"), **kind)

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see --help)\n")

    def parse(self, arguments):
        """What was given, as texts with where each comes from, by flag; and the command's other arguments."""
        switches, rest = {}, []
        for argument in arguments:
            flag, equals, text = argument.partition("=")
            row = ROWS.get(plain(flag[2:])) if flag.startswith("--") else None
            if row in self.rows and row.kind == "SWITCH" and equals:
                switches[row.flag] = text  # argparse would refuse --silent=true
            else:
                rest.append(f"--{row.flag}{equals}{text}" if row else argument)
        found = {**vars(self.parse_args(rest)), **switches}
        given = {}
        for row in self.rows:
            flag, variable = found.pop(row.flag), os.environ.get(row.variable)
            if flag is not None:
                given[row.flag] = (flag, "--" + row.flag)
            elif variable:  # an empty one is one that is not set
                given[row.flag] = (variable, row.variable)
        if "config" in given:
            mine = {row.flag for row in self.rows}
            for name, text_and_place in read_file(given["config"][0]).items():
                if name in mine:
                    given.setdefault(name, text_and_place)
        return given, found

    def values(self, given):
        """The values of what was given, and the defaults, by flag."""
        out = {}
        for row in self.rows:
            text, place = given.get(row.flag, (row.default, None))
            if place is None and (not text or row.flag in UNSAID):
                continue
            try:
                out[row.flag] = row.read(text)
            except ValueError as e:
                self.exit(2, f"{self.prog}: {place}: {e}\n")
        return out

    def print_config(self, given):
        """A file that --config takes and that sets what is set now; defaults are comments."""
        group = ""
        for row in self.rows:
            if row.group == "Configuration":
                continue
            if row.group != group:
                group = row.group
                print(f"\n# ---- {group} ----")
            text, place = given.get(row.flag, (row.default, None))
            shown = text if row.kind in ("PORT", "COUNT", "SWITCH") else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
            if row.kind == "SWITCH" and place:
                shown = "true" if row.read(text) else "false"
            print(f"\n# {row.help}\n{'' if place else '# '}{row.flag} ={' ' + shown if text else ''}{' # ' + place if place else ''}")


# ---- the file ----

def lines_of(text):
    """On which line each key stands, as tomllib does not say it: the last part of a key, and the table it is in."""
    found, table = {}, ""
    for number, line in enumerate(text.split("\n"), 1):
        if m := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            table = m[1].replace('"', "") + "."
        elif m := re.match(r"\s*([\w.\-\"' ]+?)\s*=", line):
            found.setdefault(plain(re.sub("[\"' ]", "", table + m[1])), number)
    return found


def flat(table, before=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def read_file(path):
    """The texts of a TOML file with their places, by flag. ValueError: path, line and what does not fit."""
    try:
        import tomllib
    except ImportError:
        try:
            import tomli as tomllib
        except ImportError:
            raise ValueError("--config: needs Python 3.11, or the package tomli") from None
    try:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        items = list(flat(tomllib.loads(text)))
    except OSError as e:
        raise ValueError(f"--config: {path}: {e.strerror}") from None
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from None
    lines, out = lines_of(text), {}
    for key, value in items:
        name = plain(key)
        place = f"{path}: line {lines.get(name, '?')}: {key}"
        row = ROWS.get(name)
        if not row or row.group == "Configuration":
            raise ValueError(f"{place}: unknown key")
        if name in out:
            raise ValueError(f"{place}: stands there twice")
        if isinstance(value, list) and row.kind != "LIST":
            raise ValueError(f"{place}: one value, not an array")
        if isinstance(value, list):
            value = ",".join(map(str, value))
        out[name] = (("true" if value else "false") if isinstance(value, bool) else str(value), place)
    return out
