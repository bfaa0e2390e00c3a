import { describe, expect, test } from 'vitest'
import { type RedisHome, redisHome, type Server } from '../../builders/redis-servers.ts'
import { checkAudit, checkTold } from '../../journey/aftermath.ts'
import { runRound } from '../../journey/round.ts'
import { type Stack, startStack } from '../../running-stack.ts'
import { startedAnew } from '../../started-anew.ts'

let home: RedisHome
let server: Server
let stack: Stack
startedAnew(
  async () => {
    home = await redisHome()
    server = await home.start('redis')
    stack = await startStack(undefined, (part) =>
      home.environmentOf(part, (login) => `rediss://${login}@127.0.0.1:${server.port}`),
    )
  },
  async () => {
    await stack?.stop()
    await home?.stop()
  },
)

describe('With the users and the configuration as they are shipped, over TLS,', () => {
  test('all parts do their work, and nothing that they are not let', async () => {
    const violations: string[] = []
    const violated = (what: string): void => void violations.push(what)
    const rounds = [await runRound(stack, 0, violated, 8), await runRound(stack, 1, violated, 8)]
    await checkTold(stack, rounds, violated)
    await checkAudit(stack, violated)
    expect(violations).toEqual([])
    const denied = (await home.connect(server.port, 'admin').acl('LOG')) as unknown[]
    expect(denied).toEqual([])
  })
})

type Word = string | number
const key = (name: string): string => `{pagepass}:${name}`
/** Names that tell one key of each kind, for those with something behind. */
const grants = [
  'revocations',
  'epoch',
  'sequence',
  'versions',
  'live',
  'ended',
  'events',
  'heads',
  'head-signer',
].map(key)
const queue = key('messages:wait')
const onlyWorkers = ['fleet', 'confirmed:1', 'usage:x', 'occasion:x', 'owed', 'card:x:y', 'turns-gone:x'].map(
  key,
)

const nobody: readonly (readonly Word[])[] = [
  ['KEYS', '*'],
  ['SCAN', 0],
  ['FLUSHALL'],
  ['FLUSHDB'],
  ['CONFIG', 'GET', '*'],
  ['CONFIG', 'SET', 'maxmemory', 1],
  ['ACL', 'LIST'],
  ['ACL', 'SETUSER', 'eve', 'on'],
  ['CLIENT', 'LIST'],
  ['CLIENT', 'KILL', 'TYPE', 'normal'],
  ['MONITOR'],
  ['SHUTDOWN', 'NOSAVE'],
  ['SAVE'],
  ['REPLICAOF', 'NO', 'ONE'],
  ['PSYNC', '?', -1],
  ['SCRIPT', 'FLUSH'],
  ['FUNCTION', 'LIST'],
  ['MODULE', 'LIST'],
  ['SLOWLOG', 'GET'],
  ['PUBLISH', 'x', 'y'],
  ['GET', 'anything'],
  ['GET', '{other}:epoch'],
  ['SET', 'anything', 1],
  ['RENAME', key('live'), key('gone')],
  ['COPY', key('live'), key('copy')],
  ['DUMP', key('live')],
  ['RESTORE', key('live'), 0, 'x'],
  ...grants.map((name) => ['DEL', name]),
  ...grants.map((name) => ['UNLINK', name]),
  ...grants.map((name) => ['EXPIRE', name, 1]),
  ['SET', key('sequence'), 1],
  ['DECR', key('sequence')],
  ['XTRIM', key('events'), 'MAXLEN', 0],
  ['XDEL', key('events'), '1-0'],
  ['XGROUP', 'DESTROY', key('events'), 'workers'],
  ['XTRIM', key('reports'), 'MAXLEN', 0],
  ['HDEL', key('ended'), 'x'],
  ['HDEL', key('versions'), 'x'],
  ['EVAL', "return redis.call('DEL', KEYS[1])", 1, key('versions')],
  ['EVAL', "return redis.call('GET', 'anything')", 0],
]
const beyond = {
  bot: [
    ...onlyWorkers.map((name) => ['DEL', name]),
    ['GET', key('card:x:y')],
    ['XADD', key('reports'), '*', 'a', 'b'],
    ['XREADGROUP', 'GROUP', 'workers', 'x', 'STREAMS', key('events'), '>'],
    ['GET', key('rate:x')],
  ],
  workers: [
    ['HDEL', key('glass-reviews'), 'x'],
    ['SET', key('seen:x'), 1],
    ['GET', key('rate:x')],
    ['XADD', key('reports'), '*', 'a', 'b'],
  ],
  proxy: [
    ['HDEL', key('glass-reviews'), 'x'],
    ['SET', key('epoch'), 'x'],
    ['INCR', key('sequence')],
    ['HSET', key('live'), 'a', 'b'],
    ['HDEL', key('live'), 'a'],
    ['HSET', key('versions'), 'a', '9 9 x'],
    ['HGET', key('ended'), 'a'],
    ['HSET', key('revocations'), 'a', 'b'],
    ['HDEL', key('revocations'), 'a'],
    ['XADD', key('events'), '*', 'kind', 'grant'],
    ['XADD', key('heads'), '*', 'statement', 'x'],
    ['XRANGE', key('reports'), '-', '+'],
    ['XREAD', 'STREAMS', key('reports'), 0],
    ['SET', key('head-signer'), 'proxy'],
    ['EVAL', "return redis.call('HSET', KEYS[1], 'a', 'b')", 1, key('live')],
    ['EVAL', "return redis.call('HSET', '{pagepass}:live', 'a', 'b')", 1, key('rate:x')],
    ['MULTI'],
    ['LPUSH', queue, 'x'],
    ['LRANGE', queue, 0, -1],
    ['DEL', key('rate:x')],
    ...onlyWorkers.map((name) => ['TYPE', name]),
  ],
  backup: [
    ['GET', key('epoch')],
    ['HGETALL', key('live')],
    ['SET', key('epoch'), 'x'],
    ['EVAL', 'return 1', 0],
  ],
  replica: [['GET', key('epoch')], ['INFO'], ['EVAL', 'return 1', 0]],
  sentinel: [
    ['GET', key('epoch')],
    ['HGETALL', key('live')],
    ['CONFIG', 'GET', '*'],
    ['EVAL', 'return 1', 0],
    ['SUBSCRIBE', 'x'],
  ],
} as const
const parts = ['bot', 'workers', 'proxy'] as const

describe('Redis answers NOPERM', () => {
  const cases = [
    ...parts.flatMap((user) => [...nobody, ...beyond[user]].map((words) => ({ user, words }))),
    ...(['backup', 'replica', 'sentinel'] as const).flatMap((user) =>
      beyond[user].map((words) => ({ user, words: words as readonly Word[] })),
    ),
  ].map(({ user, words }) => ({ user, command: words.join(' '), words }))

  test.each(cases)('to $user for $command', async ({ user, words }) => {
    const [command, ...rest] = words
    const asked = home.connect(server.port, user)
    const said = await asked.call(String(command), ...rest.map(String)).then(
      () => 'done',
      (error: Error) => error.message,
    )
    asked.disconnect()
    // Redis 7.0 says it in words of its own where it was a script that tried.
    expect(said).toMatch(/^NOPERM |^ERR The user executing the script can't (?:run this command|access)/)
  })

  test('nobody gets in without a password, or as the default user', async () => {
    const admin = home.connect(server.port, 'admin')
    const users = (await admin.acl('LIST')) as string[]
    expect(users.filter((line) => /nopass/.test(line))).toHaveLength(1)
    expect(users.find((line) => line.startsWith('user default '))).toMatch(/^user default off /)
    expect(users.find((line) => line.startsWith('user health '))).toMatch(/-@all \+ping/)
  })
})
