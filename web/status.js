/* The status page: a client of our own WebSocket, like any other. Blocks come by eth_subscribe("newHeads"), the numbers by
 * fanatico_status once a second, and only while somebody looks.
 *
 *   link ─ newHeads ─► blocks ─┐
 *        └ fanatico_status ─► samples ─┴─► draw(), at most four times a second
 *
 * What the server says is never markup: it goes into text nodes alone, and the page's policy forbids everything else.
 * Quantities are BigInt from the wire to the screen. */
'use strict';
(() => {
  const ROWS = 12;
  const DRAW_MS = 250;
  const POLL_MS = 1000;
  const ANSWER_MS = 10000; // a server that says nothing for so long is gone
  const BACKOFF_MS = [250, 8000];
  const SAMPLES = 61; // a minute, and where it began
  const NO_LATENCY = 'No notification in the last minute';

  const at = (id) => document.getElementById(id);
  const say = (id, text) => {
    const node = at(id);
    if (node.textContent !== text) node.textContent = text;
  };

  // ---- numbers ----

  /** A QUANTITY, or a JSON number, as a BigInt; null for anything else. */
  function quantity(value) {
    if (typeof value === 'string' && /^0x[0-9a-f]{1,64}$/i.test(value)) return BigInt(value);
    return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
  }
  const count = (n) => n.toLocaleString('en');
  const whole = (n) => (n === null || n === undefined ? '–' : n.toLocaleString('en'));
  const hex = (value) => (typeof value === 'string' && /^0x[0-9a-f]{1,512}$/i.test(value) ? value : '');
  /** How many ten-thousandths of `all` are `part`. */
  const share = (part, all) => (part === null || !all ? 0 : Math.min(10000, Number((part * 10000n) / all)));
  const percent = (parts) => (parts >= 1000 || parts === 0 ? `${Math.round(parts / 100)}\u00a0%` : `${(parts / 100).toFixed(1)}\u00a0%`);

  /** Wei, in the unit a person would choose. */
  function fee(wei) {
    if (wei === null) return '–';
    const [unit, name] = wei >= 10n ** 16n ? [10n ** 18n, 'ether'] : wei >= 10n ** 5n ? [10n ** 9n, 'gwei'] : [1n, 'wei'];
    const below = ((wei % unit) * 10000n) / unit;
    return `${whole(wei / unit)}${below ? `.${String(below).padStart(4, '0').replace(/0+$/, '')}` : ''} ${name}`;
  }

  function duration(seconds) {
    const parts = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
    const first = Math.max(0, parts.findIndex(([, size]) => seconds >= size));
    if (seconds < 1) return '0 s';
    return parts.slice(first, first + 2).map(([name, size], i) => [Math.floor(i ? (seconds % parts[first][1]) / size : seconds / size), name])
      .filter(([n], i) => n || !i).map(([n, name]) => `${n} ${name}`).join(' ');
  }

  function span(seconds) {
    if (seconds < 0.0009995) return `${Math.round(seconds * 1e6)}\u00a0µs`;
    return seconds < 0.9995 ? `${Number((seconds * 1e3).toPrecision(3))}\u00a0ms` : `${Number(seconds.toPrecision(3))}\u00a0s`;
  }

  function rateText(rate) {
    return rate === 0 || rate >= 10 ? count(Math.round(rate)) : rate.toFixed(1);
  }

  // ---- the link: one WebSocket, opened again whenever it ends ----

  /** Below a prefix as well, and encrypted where the page is. */
  function address() {
    return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}${location.pathname}`;
  }

  const REFUSED_AFTER = 3; // attempts, none of which ever succeeded

  const link = { socket: null, attempts: 0, waiting: new Map(), next: 1, backoff: BACKOFF_MS[0], timer: 0, polls: 0, refusal: '', wasLive: false };

  function call(method, ...params) {
    return new Promise((done, fail) => {
      const socket = link.socket;
      if (!socket || socket.readyState !== WebSocket.OPEN) {
        fail(new Error('not connected'));
        return;
      }
      const id = link.next++;
      const timer = setTimeout(() => drop(socket), ANSWER_MS);
      link.waiting.set(id, { done, fail, timer });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  function received(text) {
    const message = JSON.parse(text);
    if (message.method === 'eth_subscription') {
      if (message.params.subscription === link.heads) headCame(message.params.result);
      return;
    }
    const waiter = link.waiting.get(message.id);
    if (!waiter) return;
    link.waiting.delete(message.id);
    clearTimeout(waiter.timer);
    if (message.error) waiter.fail(Object.assign(new Error(message.error.message), { code: message.error.code }));
    else waiter.done(message.result);
  }

  function ended(socket) {
    if (link.socket !== socket) return;
    link.socket = null;
    clearTimeout(link.poll);
    for (const { fail, timer } of link.waiting.values()) {
      clearTimeout(timer);
      fail(new Error('the connection ended'));
    }
    link.waiting.clear();
    // A crowd of pages does not come back in the same moment.
    const wait = link.backoff * (0.75 + Math.random() / 2);
    link.backoff = Math.min(link.backoff * 2, BACKOFF_MS[1]);
    link.timer = setTimeout(open, wait);
    changed();
  }

  /** Without waiting for the goodbye of who may not be there any more. */
  function drop(socket) {
    socket.close();
    ended(socket);
  }

  function open() {
    clearTimeout(link.timer);
    link.attempts++;
    const socket = new WebSocket(address());
    const slow = setTimeout(() => drop(socket), ANSWER_MS);
    link.socket = socket;
    socket.onopen = () => { clearTimeout(slow); begin().catch(() => drop(socket)); };
    socket.onmessage = (event) => { if (link.socket === socket) received(event.data); };
    socket.onclose = () => { clearTimeout(slow); ended(socket); };
    changed();
  }

  /** At once, when there is reason to think that it would go now. */
  function hurry() {
    if (link.socket || document.hidden) return;
    link.backoff = BACKOFF_MS[0];
    open();
  }

  /** A method that this server may not have, or not for us: null then. */
  const perhaps = (promise, refused = () => {}) => promise.catch((e) => {
    if (e.code === undefined) throw e; // no answer at all
    refused(e.message);
    return null;
  });

  async function begin() {
    link.refusal = '';
    link.heads = await perhaps(call('eth_subscribe', 'newHeads'), (why) => { link.refusal = `eth_subscribe: ${why}`; });
    if (!link.heads) throw new Error(link.refusal);
    link.wasLive = true;
    const [status, chainId, version] = await Promise.all([askStatus(), perhaps(call('eth_chainId')), perhaps(call('web3_clientVersion'))]);
    if (!status || !node.status || status.startedAt !== node.status.startedAt) forget(); // another process, perhaps with another chain
    node.chain = quantity(chainId);
    node.client = typeof version === 'string' ? version : '';
    await refill();
    link.backoff = BACKOFF_MS[0];
    await poll();
  }

  // ---- blocks: the newest that are canonical as far as we were told, by number ----

  const node = { chain: null, client: '', status: null, refusal: '' };
  let chain = new Map();
  let head = null;
  let heads = 0; // how many headers came
  let reorg = null;
  const replaced = new Set(); // numbers at which a block had to go

  function blockOf(h) {
    const number = quantity(h && h.number);
    if (number === null) return null;
    return {
      number, hash: hex(h.hash), parent: hex(h.parentHash), time: quantity(h.timestamp), used: quantity(h.gasUsed), limit: quantity(h.gasLimit),
      fee: quantity(h.baseFeePerGas), txs: Array.isArray(h.transactions) ? h.transactions.length : null, fresh: false, replaced: false,
    };
  }

  function forget() {
    chain = new Map();
    head = null;
    reorg = null;
    replaced.clear();
    samples = [];
  }

  function lost(numbers) {
    if (!numbers.length) return;
    for (const number of numbers) replaced.add(number);
    reorg = { from: numbers.reduce((a, b) => (b < a ? b : a)), count: numbers.length, at: new Date() };
  }

  function put(b) {
    b.replaced = replaced.has(b.number);
    chain.set(b.number, b);
    if (!head || b.number >= head.number) head = b;
  }

  function prune() {
    for (const known of [chain, replaced]) for (const number of [...known.keys()]) if (number + BigInt(2 * ROWS) < head.number) known.delete(number);
  }

  /** A header of the stream: what stood at its number or above is not canonical any more. */
  function headCame(header) {
    const b = blockOf(header);
    if (!b) return;
    heads++;
    const gone = [...chain.keys()].filter((number) => number >= b.number);
    const below = chain.get(b.number - 1n);
    lost(gone);
    for (const number of gone) chain.delete(number);
    head = null;
    b.fresh = true;
    put(b);
    prune();
    if (below && below.hash !== b.parent) refill().catch(() => {}); // the branches part where we did not look
    changed();
  }

  /** Reads the newest blocks: after connecting, and where the head moved without a header. */
  async function refill() {
    const before = heads;
    const latest = blockOf(await perhaps(call('eth_getBlockByNumber', 'latest', false)));
    if (!latest) return;
    const numbers = [];
    for (let n = latest.number - 1n; n >= 0n && numbers.length < ROWS - 1; n--) numbers.push(n);
    const blocks = await Promise.all(numbers.map((n) => perhaps(call('eth_getBlockByNumber', `0x${n.toString(16)}`, false)).then(blockOf)));
    const found = new Map([latest, ...blocks].filter((b) => b).map((b) => [b.number, b]));
    if (heads === before) { // nothing came meanwhile: what we read is what there is
      lost([...chain.values()].filter((b) => b.number > latest.number || (found.has(b.number) && found.get(b.number).hash !== b.hash)).map((b) => b.number));
      chain = new Map();
      head = null;
    }
    for (const b of found.values()) if (!chain.has(b.number) && (!head || b.number < head.number)) put(b);
    if (head) prune();
    changed();
  }

  /** A header does not say how many transactions its block has: asked for what is on the screen, once each. */
  function countTransactions(b) {
    if (b.txs !== null || b.asked || !b.hash || !link.socket) return;
    b.asked = true;
    perhaps(call('eth_getBlockTransactionCountByHash', b.hash)).then((n) => {
      n = quantity(n);
      if (n !== null) b.txs = Number(n);
      changed();
    }, () => { b.asked = false; });
  }

  // ---- the numbers ----

  let samples = [];

  function askStatus() {
    node.refusal = '';
    return perhaps(call('fanatico_status'), (why) => { node.refusal = why; });
  }

  async function poll() {
    if (document.hidden) return; // goes on when somebody looks again
    const mine = ++link.polls;
    const before = heads;
    const status = await askStatus();
    if (status) {
      node.status = status;
      sampled(status);
      const told = status.chain.head && hex(status.chain.head.hash);
      if (told && heads === before && (!head || told !== head.hash)) await refill();
    }
    changed();
    if (mine === link.polls) link.poll = setTimeout(() => poll().catch(() => {}), POLL_MS);
  }

  function sampled(status) {
    const now = { at: performance.now(), sent: status.notifications };
    const last = samples[samples.length - 1];
    if (last && now.sent < last.sent) samples = []; // another process
    samples.push(now);
    if (samples.length > SAMPLES) samples.shift();
  }

  /** Notifications a second, between each two samples. */
  function rates() {
    return samples.slice(1).map((s, i) => ((s.sent - samples[i].sent) * 1000) / Math.max(1, s.at - samples[i].at));
  }

  // ---- drawing ----

  let paused = false;
  let due = 0;
  let drawn = 0;

  function changed() {
    if (due) return;
    due = setTimeout(draw, Math.max(0, drawn + DRAW_MS - performance.now()));
  }

  function draw() {
    due = 0;
    drawn = performance.now();
    drawLink();
    if (paused) return;
    drawHead();
    drawRows();
    drawNumbers();
  }

  function drawLink() {
    const live = link.socket !== null && link.socket.readyState === WebSocket.OPEN;
    at('link').dataset.state = live ? 'live' : 'down';
    say('link-text', live ? 'Live' : link.wasLive ? 'Reconnecting' : 'Connecting');
    const unknown = !live && !link.wasLive && link.attempts > REFUSED_AFTER;
    hint('hint', link.refusal ? `This node refuses ${link.refusal}` : unknown && `The WebSocket of this address does not open. Where the page comes from another machine or through a proxy, the node must be told so (--ws-origins ${location.origin}), and the proxy must pass upgrades on.`);
    document.title = `${live ? '' : '… '}${head ? `#${head.number} · ` : ''}Fanatico`;
  }

  function hint(id, text) {
    at(id).hidden = !text;
    say(id, text || '');
  }

  function clock(node, time, ago) {
    const when = time !== null && time < 8640000000000n ? new Date(Number(time) * 1000) : null; // where Date ends
    const text = !when ? (time === null ? '–' : whole(time)) : ago ? ago(when) : when.toLocaleTimeString([], { hour12: false });
    if (node.textContent !== text) node.textContent = text;
    if (!when) return;
    node.dateTime = when.toISOString();
    node.title = when.toLocaleString();
  }

  function ago(when) {
    const seconds = Math.floor((Date.now() - when) / 1000);
    if (seconds < -1) return `${duration(-seconds)} ahead`;
    return seconds < 1 ? 'just now' : `${duration(seconds)} ago`;
  }

  function drawHead() {
    say('head-number', head ? whole(head.number) : '–');
    at('head-number').classList.toggle('long', head !== null && head.number >= 10n ** 9n);
    say('head-hash', head ? head.hash : '');
    clock(at('head-time'), head ? head.time : null, ago);
    say('head-txs', head && head.txs !== null ? count(head.txs) : '–');
    say('head-fee', fee(head ? head.fee : null));
    const parts = head ? share(head.used, head.limit) : 0;
    say('head-gas', head && head.used !== null ? `${whole(head.used)} of ${whole(head.limit)}, ${percent(parts)}` : '–');
    at('head-bar').setAttribute('width', parts / 100);
  }

  const rows = new Map(); // by hash

  function element(name, className, ...children) {
    const e = document.createElement(name);
    if (className) e.className = className;
    e.append(...children);
    return e;
  }

  function vector(name, attributes) {
    const e = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    return e;
  }

  function rowOf(b) {
    const number = element('th', '', whole(b.number));
    const time = element('time');
    const txs = element('td', 'count');
    const hash = element('td', 'hash', b.hash);
    const parts = share(b.used, b.limit);
    const bar = vector('svg', { class: 'bar', viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    bar.append(vector('rect', { class: 'track', width: 100, height: 4 }), vector('rect', { class: 'fill', width: parts / 100, height: 4 }));
    const gas = element('td', 'gas', element('div', '', bar, element('span', '', percent(parts))));
    number.scope = 'row';
    hash.title = b.hash;
    gas.title = `${whole(b.used)} of ${whole(b.limit)}`;
    clock(time, b.time);
    const row = element('tr', `${b.fresh ? 'fresh ' : ''}${b.replaced ? 'replaced' : ''}`, number, element('td', '', time), hash, txs, gas);
    row.txs = txs;
    return row;
  }

  function drawRows() {
    const shown = [...chain.values()].sort((a, b) => (a.number < b.number ? 1 : -1)).slice(0, ROWS);
    const wanted = new Set(shown.map((b) => b.hash));
    for (const [hash, row] of rows) {
      if (wanted.has(hash)) continue;
      row.remove();
      rows.delete(hash);
    }
    let next = at('rows').firstChild;
    for (const b of shown) {
      let row = rows.get(b.hash);
      if (!row) rows.set(b.hash, (row = rowOf(b)));
      if (row === next) next = next.nextSibling;
      else at('rows').insertBefore(row, next);
      countTransactions(b);
      const text = b.txs === null ? '–' : count(b.txs);
      if (row.txs.textContent !== text) row.txs.textContent = text;
    }
    at('empty').hidden = shown.length > 0;
    if (reorg && Date.now() - reorg.at > 60000) reorg = null;
    say('reorg', reorg ? `Reorg at ${reorg.at.toLocaleTimeString([], { hour12: false })}: ${reorg.count === 1 ? 'block' : `${reorg.count} blocks from`} ${whole(reorg.from)} ${reorg.count === 1 ? 'was' : 'on were'} replaced` : '');
  }

  function drawPairs(id, pairs) {
    const list = at(id);
    while (list.children.length > pairs.length) list.lastChild.remove();
    pairs.forEach(([name, text, zero], i) => {
      const line = list.children[i] || list.appendChild(element('div', '', element('dt'), element('dd')));
      line.className = zero ? 'zero' : '';
      if (line.firstChild.textContent !== name) line.firstChild.textContent = name;
      if (line.lastChild.textContent !== text) line.lastChild.textContent = text;
    });
  }

  function drawNumbers() {
    const s = node.status;
    say('chain', node.chain === null ? '–' : String(node.chain));
    say('client', node.client);
    hint('numbers-hint', node.refusal && `This node does not tell its numbers here: ${node.refusal}`);
    if (!s) return;
    const live = Object.values(s.subscriptions).reduce((a, b) => a + b, 0);
    say('version', s.version);
    say('uptime', duration(s.uptimeSeconds));
    say('connections', count(s.connections.ws));
    say('subscriptions', count(live));
    say('sent', count(s.notifications));
    at('connections-bar').setAttribute('width', Math.min(100, (100 * s.connections.ws) / Math.max(1, s.connections.wsMax)));
    drawPairs('connection-list', [['WebSocket, at most', count(s.connections.wsMax)], ['HTTP', count(s.connections.http)], ['Closed as too slow', count(s.connections.slowReadersClosed)]]);
    drawPairs('subscription-list', Object.entries(s.subscriptions).map(([kind, n]) => [kind.replace('_full', ', whole'), count(n), n === 0]));
    drawSpark();
    drawHistogram(s.latency);
  }

  function drawSpark() {
    const all = rates();
    const most = Math.max(1, ...all);
    const step = 240 / (SAMPLES - 2);
    const points = all.map((r, i) => `${(240 - (all.length - 1 - i) * step).toFixed(1)} ${(46 - (r / most) * 44).toFixed(1)}`);
    say('rate', all.length ? rateText(all[all.length - 1]) : '–');
    at('spark-line').setAttribute('d', points.length > 1 ? `M${points.join('L')}` : '');
    at('spark-area').setAttribute('d', points.length > 1 ? `M${points[0].split(' ')[0]} 48L${points.join('L')}L240 48Z` : '');
    say('spark-title', all.length ? `Notifications per second in the last minute: at most ${rateText(Math.max(...all))}` : 'Nothing yet');
  }

  /** The axis has a label at every second power of ten. */
  function drawAxis(bounds, count) {
    if (at('axis').children.length) return;
    bounds.forEach((bound, i) => {
      if (!/^1e[+-]?\d*[135]$/.test(bound.toExponential())) return;
      const label = element('span', '', span(bound));
      label.style.left = `${((i + 1) * 100) / count}%`;
      at('axis').append(label);
    });
  }

  /** How many notifications of the last minute took how long. */
  function drawHistogram({ bounds, notification }) {
    const { count, p50, p99, buckets } = notification;
    const most = Math.max(1, ...buckets);
    const width = 240 / buckets.length;
    drawAxis(bounds, buckets.length);
    buckets.forEach((n, i) => {
      const bar = at('bars').children[i] || at('bars').appendChild(vector('rect', { rx: 1 }));
      const height = n ? Math.max(1.5, (n / most) * 60) : 0;
      const attributes = { x: i * width + 1, y: 60 - height, width: width - 2, height };
      for (const key in attributes) bar.setAttribute(key, attributes[key]);
    });
    say('median', count ? span(p50) : '–');
    say('histogram-title', count ? `From an event to the send that took it: median ${span(p50)}, 99\u00a0% within ${span(p99)}` : NO_LATENCY);
    say('latency-note', count ? `99\u00a0% within ${span(p99)}, the last minute` : NO_LATENCY);
  }

  at('pause').addEventListener('click', () => {
    paused = !paused;
    at('pause').classList.toggle('on', paused);
    say('pause', paused ? 'Resume' : 'Pause');
    changed();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    hurry();
    clearTimeout(link.poll);
    if (link.heads) poll().catch(() => {});
    changed();
  });
  window.addEventListener('online', hurry);
  setInterval(changed, 1000); // ages
  open();
})();
