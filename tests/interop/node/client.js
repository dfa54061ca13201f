'use strict';
// The Node.js SDK, unchanged, against one server: see tests/support/interop.py for how it is run. It speaks HTTP only; naming
// is pushed over UDP, configs are long polls.
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const util = require('util');
const { NacosConfigClient, NacosNamingClient } = require('nacos');

const SERVICE = 'interop-node';
const GROUP = 'DEFAULT_GROUP';
// The SDK asks again every 10 s: of two changes in a row at least one would be seen too late without a push.
const PUSHED = 3;
// Beats every second, so that a cut is noticed in seconds and not in half a minute.
const QUICK = { 'preserved.heart.beat.interval': '1000', 'preserved.heart.beat.timeout': '3000', 'preserved.ip.delete.timeout': '5000' };

const ok = step => console.log(`OK ${step}`);
const sleep = seconds => new Promise(resolve => setTimeout(resolve, seconds * 1000));

async function eventually(step, seconds, condition) {
  for (const end = Date.now() + seconds * 1000; !await condition(); await sleep(0.02)) {
    if (Date.now() > end) throw new Error(`${step}: not within ${seconds} s`);
  }
  ok(step);
}

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function gate(what) {
  console.log(`@${what}`);
  assert.strictEqual((await lines.next()).value, 'done');
}

function logger(name) {
  const file = fs.createWriteStream(path.join(process.env.WORK, `${name}.log`));
  const write = level => (...args) => file.write(`${new Date().toISOString()} ${level} ${util.format(...args)}\n`);
  return { debug: write('DEBUG'), info: write('INFO'), warn: write('WARN'), error: write('ERROR') };
}

async function namingClient(name, port, namespace = 'public') {
  const client = new NacosNamingClient({ logger: logger(name), serverList: `127.0.0.1:${process.env[port]}`, namespace });
  await client.ready();
  return client;
}

const instance = (ip, more = {}) => ({ ip, port: 8080, ...more, metadata: { from: 'node', ...more.metadata } });
const ips = hosts => hosts.map(h => h.ip).sort().join(',');

async function naming() {
  const a = await namingClient('naming-a', 'PORT');
  const b = await namingClient('naming-b', 'PORT');
  const gated = await namingClient('naming-gated', 'GATE_PORT');
  let view;

  await a.registerInstance(SERVICE, instance('10.0.0.1'));
  ok('register');
  const listener = hosts => { view = ips(hosts); };
  a.subscribe(SERVICE, listener);
  await eventually('subscriber sees its own instance', 5, () => view === '10.0.0.1');
  await sleep(1.5); // its one early poll is over
  await b.registerInstance(SERVICE, instance('10.0.0.2'));
  await eventually('subscriber is pushed another client\'s instance', PUSHED, () => view === '10.0.0.1,10.0.0.2');
  await b.deregisterInstance(SERVICE, instance('10.0.0.2'));
  await eventually('deregistration is pushed', PUSHED, () => view === '10.0.0.1');

  await gated.registerInstance(SERVICE, instance('10.0.0.3', { weight: 2.5, metadata: QUICK }));
  await eventually('instance behind the gate is seen', PUSHED, () => view === '10.0.0.1,10.0.0.3');
  const found = await a.selectInstances(SERVICE, GROUP, '', true, false);
  assert.strictEqual(ips(found), '10.0.0.1,10.0.0.3');
  const third = found.find(h => h.ip === '10.0.0.3');
  assert.deepStrictEqual([third.port, third.weight, third.clusterName, third.metadata.from], [8080, 2.5, 'DEFAULT', 'node']);
  ok('select instances');

  await gate('cut');
  await eventually('instance without beats is gone', 20, () => view === '10.0.0.1');
  await gate('restore');
  await eventually('instance is back by its beats', 20, () => view === '10.0.0.1,10.0.0.3');

  await b.registerInstance(SERVICE, instance('10.0.1.1', { clusterName: 'east' }));
  await b.registerInstance(SERVICE, instance('10.0.1.2'), 'other-group');
  await eventually('cluster and group', 5, async () => ips(await a.getAllInstances(SERVICE, GROUP, 'east', false)) === '10.0.1.1' &&
    ips(await a.getAllInstances(SERVICE, 'other-group', 'DEFAULT', false)) === '10.0.1.2');
  const elsewhere = await namingClient('naming-elsewhere', 'PORT', 'interop');
  assert.deepStrictEqual(await elsewhere.getAllInstances(SERVICE, GROUP, 'DEFAULT', false), []);
  await elsewhere.registerInstance(SERVICE, instance('10.0.2.1'));
  assert.strictEqual(ips(await elsewhere.getAllInstances(SERVICE, GROUP, 'DEFAULT', false)), '10.0.2.1');
  ok('namespace');

  assert.strictEqual(await a.getServerStatus(), 'UP');
  ok('server status');
  await assert.rejects(a.registerInstance('bad service', instance('10.0.0.9')), /failed to req API/);
  ok('refused name');
  a.unSubscribe(SERVICE, listener);
  for (const client of [a, b, gated, elsewhere]) await client.close();
}

// NacosConfigClient shares one real client among all that have the same `endpoint`, hence among all without one; a second
// server address or namespace in the process has to be a DataClient.
function configClient(Client, name, port, namespace) {
  const client = new Client({ serverAddr: `127.0.0.1:${process.env[port]}`, cacheDir: path.join(process.env.WORK, name), namespace });
  client.on('error', logger(name).warn); // a poll that the gate has cut
  return client;
}

async function config() {
  const a = configClient(NacosConfigClient, 'config-a', 'PORT');
  const b = configClient(NacosConfigClient.DataClient, 'config-b', 'GATE_PORT');
  const id = 'interop-node.yaml';
  const publish = content => a.publishSingle(id, GROUP, content, { type: 'yaml' });
  let told;

  await publish('a: 1 # ü');
  ok('publish config');
  await eventually('get config', 5, async () => await b.getConfig(id, GROUP) === 'a: 1 # ü');
  b.subscribe({ dataId: id, group: GROUP }, content => { told = content; });
  await eventually('listener is told the content there is', 5, () => told === 'a: 1 # ü');
  await sleep(1);
  await publish('a: 2');
  await eventually('listener is told a change', PUSHED, () => told === 'a: 2');

  await gate('cut');
  await publish('a: 3');
  await sleep(2);
  await gate('restore');
  await eventually('listener is told what changed while it was cut off', 40, () => told === 'a: 3');

  await a.remove(id, GROUP);
  await eventually('removed config is gone', 5, async () => await a.getConfig(id, GROUP) === null);
  const elsewhere = configClient(NacosConfigClient.DataClient, 'config-elsewhere', 'PORT', 'interop');
  await elsewhere.publishSingle(id, GROUP, 'a: 4');
  assert.strictEqual(await a.getConfig(id, GROUP), null);
  ok('config namespace');
  for (const client of [a, b, elsewhere]) client.close();
}

naming().then(config).then(() => process.exit(0), error => {
  console.log('FAILED:', error.stack || error);
  process.exit(1);
});
