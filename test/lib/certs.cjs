// Certificates for the tests, made by openssl when they are needed: none is kept anywhere.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

/** An authority of our own in a folder, and certificates of it: issue(name, subjectAltName) gives paths and bytes. */
function authority(folder) {
  const ssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  ssl('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
  const issue = (name, names) => {
    ssl('req', ...ec, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    fs.writeFileSync(path.join(folder, `${name}.ext`), `subjectAltName=${names}\n`);
    ssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', `${name}.pem`, '-extfile', `${name}.ext`, '-days', '2');
    const keyPath = path.join(folder, `${name}.key`), certPath = path.join(folder, `${name}.pem`);
    return { keyPath, certPath, key: fs.readFileSync(keyPath), cert: fs.readFileSync(certPath) };
  };
  return { ca: path.join(folder, 'ca.pem'), good: issue('good', 'DNS:localhost,IP:127.0.0.1'), other: issue('other', 'DNS:other.example'), issue };
}

module.exports = { authority };
