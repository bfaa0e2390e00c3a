import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisHome, redisHome, type Server } from '../../builders/redis-servers.ts'
import { checkAudit, checkTold } from '../../journey/aftermath.ts'
import { runRound } from '../../journey/round.ts'
import { type Stack, startStack } from '../../running-stack.ts'

let home: RedisHome
let server: Server
let stack: Stack
beforeAll(async () => {
  home = await redisHome()
  server = await home.start('redis')
  stack = await startStack(undefined, (part) =>
    home.environmentOf(part, (login) => `rediss://${login}@127.0.0.1:${server.port}`),
  )
})
afterAll(async () => {
  await stack?.stop()
  await home?.stop()
})

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
