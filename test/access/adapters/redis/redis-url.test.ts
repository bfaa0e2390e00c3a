import { describe, expect, test } from 'vitest'
import { readRedisUrl } from '#access/adapters/redis/redis-url.ts'

const local = { host: '127.0.0.1', port: 6379 }

describe('REDIS_URL', () => {
  test.each([
    ['one Redis', 'redis://127.0.0.1', { kind: 'plain', tls: false, nodes: [local], options: false }],
    [
      'one with TLS, a user and a database',
      'rediss://bot:p%40ss@redis.example:7000/3',
      {
        kind: 'plain',
        tls: true,
        nodes: [{ host: 'redis.example', port: 7000 }],
        username: 'bot',
        password: 'p@ss',
        options: false,
      },
    ],
    [
      'a password alone',
      'redis://:secret@[::1]:1',
      { kind: 'plain', tls: false, nodes: [{ host: '::1', port: 1 }], password: 'secret', options: false },
    ],
    ['options', 'redis://127.0.0.1?family=6', { kind: 'plain', tls: false, nodes: [local], options: true }],
    [
      'Sentinels, by the name they watch',
      'rediss+sentinel://bot:pw@s1,s2:5000,[::1]/pagepass',
      {
        kind: 'sentinel',
        tls: true,
        nodes: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 5000 },
          { host: '::1', port: 26379 },
        ],
        username: 'bot',
        password: 'pw',
        name: 'pagepass',
        options: false,
      },
    ],
    [
      'nodes of a Cluster',
      'redis+cluster://127.0.0.1,10.0.0.1:7001',
      { kind: 'cluster', tls: false, nodes: [local, { host: '10.0.0.1', port: 7001 }], options: false },
    ],
  ])('names %s', (_, text, place) => {
    expect(readRedisUrl(text)).toEqual(place)
  })

  test.each([
    ['nothing', ''],
    ['another protocol', 'http://127.0.0.1'],
    ['several that nobody joins', 'redis://a,b'],
    ['Sentinels without a name', 'redis+sentinel://a,b'],
    ['Sentinels with a path for a name', 'redis+sentinel://a,b/x/y'],
    ['a Cluster with a database', 'redis+cluster://a/1'],
    ['a host that is none', 'redis+cluster://a,,b'],
    ['a port that is none', 'redis+cluster://a:99999,b'],
    ['a user after a comma', 'redis+cluster://a,user:pw@b'],
    ['a password that is not encoded', 'redis://:50%@a'],
    ['another way of several', 'redis+ring://a,b'],
  ])('is refused with %s', (_, text) => {
    expect(readRedisUrl(text)).toBeUndefined()
  })
})
