// Cases of ali-ons: node main.js NAMESRV BROKER PREFIX case... . One line a case: RESULT<tab>case<tab>ok|fail<tab>milliseconds<tab>text.
'use strict';
const { Consumer, Producer, Message } = require('ali-ons');
const httpclient = require('urllib');

const [namesrv, , prefix] = process.argv.slice(2);
const quiet = { info() {}, warn() {}, debug() {}, error(...a) { console.error(...a); } };
const common = { httpclient, nameSrv: namesrv, accessKeyId: 'ak', accessKeySecret: 'sk', logger: quiet };

function expect(condition, what) { if (!condition) throw new Error(what); }
async function until(what, seconds, condition) {
  const end = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

async function producer(env) {
  const p = new Producer({ ...common, producerGroup: 'P_' + env.name, instanceName: 'p_' + env.name });
  env.closers.push(() => p.close());
  p.on('error', () => {});
  await p.ready();
  return p;
}
function message(env, tag, number) {
  const m = new Message(env.topic, tag, 'body of message ' + number);
  m.keys = [ 'key' + number ];
  return m;
}
function consumer(env, expression, handle) {
  const c = new Consumer({ ...common, consumerGroup: 'G_' + env.name, instanceName: 'c_' + env.name, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
  env.closers.push(() => c.close());
  c.on('error', () => {});
  const seen = [];
  c.subscribe(env.topic, expression, async msg => { await handle(msg); seen.push(msg.body.toString()); });
  return { ready: () => c.ready(), seen };
}

const cases = {
  async node_send(env) {
    const p = await producer(env);
    for (let i = 0; i < 10; i++) {
      const result = await p.send(message(env, 'TagA', i));
      expect(result.sendStatus === 'SEND_OK', 'send status ' + result.sendStatus);
      expect(result.msgId && result.queueOffset >= 0, 'ids of ' + JSON.stringify(result));
    }
  },
  async node_push(env) {
    const p = await producer(env);
    await p.send(message(env, 'TagA', 0));
    const c = consumer(env, 'TagA || TagB', async () => {});
    await c.ready();
    for (let i = 1; i < 10; i++) await p.send(message(env, i % 3 === 0 ? 'TagC' : i % 3 === 1 ? 'TagA' : 'TagB', i));
    await until('7 messages', 60, () => new Set(c.seen).size >= 7);
    const found = [...new Set(c.seen)].sort();
    expect(found.join() === [0, 1, 2, 4, 5, 7, 8].map(i => 'body of message ' + i).join(), 'got ' + found);
  },
  async node_retry(env) {
    const p = await producer(env);
    await p.send(message(env, 'TagA', 0));
    let last, first;
    const c = consumer(env, '*', async msg => { last = msg; first = first || Date.now(); if (msg.reconsumeTimes === 0 || !msg.properties.ORIGIN_MESSAGE_ID) throw new Error('later'); });
    await c.ready();
    await until('the message again', env.unlikely ? 8 : 60, () => c.seen.length === 1);
    expect(Date.now() - first > 900, 'the client sent it to the retry topic itself: nobody delayed it');
    expect(last.originTopic === env.topic || last.topic === env.topic || last.retryTopic === env.topic, 'topic of ' + last.topic);
  },
};

async function one(argument) {
  const unlikely = argument.startsWith('?');
  const name = unlikely ? argument.slice(1) : argument;
  const env = { name: prefix + '_' + name, topic: 'T_' + prefix + '_' + name, closers: [], unlikely };
  const begin = Date.now();
  let result = 'ok', text = '';
  try {
    await cases[name](env);
  } catch (e) {
    result = 'fail';
    text = String(e.stack).replace(/\s+/g, ' ').slice(0, 500);
  }
  console.log(['RESULT', name, result, Date.now() - begin, text].join('\t'));
  for (const close of env.closers) await close().catch(() => {});
}

process.on('unhandledRejection', e => console.error('unhandled', e));
Promise.all(process.argv.slice(5).map(one)).then(() => process.exit(0));
