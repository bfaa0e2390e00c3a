import type { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { type RedisHome, redisHome, type Server } from '../../builders/redis-servers.ts'
import { until } from '../../builders.ts'
import { checkAudit, checkTold } from '../../journey/aftermath.ts'
import { runRound } from '../../journey/round.ts'
import { type Stack, startStack } from '../../running-stack.ts'

const slots = 16_384

let home: RedisHome
let masters: { readonly server: Server; readonly admin: Redis }[]
let owner: { readonly server: Server; readonly admin: Redis }
let replica: Redis
let stack: Stack

const startNode = async (name: string) => {
  const lines = ['cluster-enabled yes', 'cluster-node-timeout 8000', 'cluster-announce-ip 127.0.0.1']
  const server = await home.start(name, [...home.replication, ...lines])
  return { server, admin: home.connect(server.port, 'admin') }
}

/** Three masters, each with a third of the slots, and a replica of the one that has ours. */
beforeAll(async () => {
  home = await redisHome()
  masters = [await startNode('one'), await startNode('two'), await startNode('three')]
  const fourth = await startNode('four')
  replica = fourth.admin
  const all = [...masters, fourth]
  for (const [index, { admin }] of masters.entries()) {
    const from = Math.ceil((slots / 3) * index)
    await admin.cluster('ADDSLOTSRANGE', from, Math.ceil((slots / 3) * (index + 1)) - 1)
    for (const { server } of all) await admin.cluster('MEET', '127.0.0.1', server.port)
  }
  await until(
    async () =>
      (await Promise.all(all.map(({ admin }) => admin.cluster('INFO')))).every(
        (info) => String(info).includes('cluster_state:ok') && String(info).includes('cluster_known_nodes:4'),
      ),
    'the Cluster is whole',
  )
  const slot = Number(await replica.cluster('KEYSLOT', names.epoch))
  owner = masters[Math.floor((slot * 3) / slots)] as typeof owner
  await replica.cluster('REPLICATE', String(await owner.admin.cluster('MYID')))
  await until(
    async () => /master_link_status:up/.test(String(await replica.info('replication'))),
    'the replica follows',
  )
  // Named are all but the replica: they say who has taken over.
  const named = masters.map(({ server }) => `127.0.0.1:${server.port}`).join(',')
  stack = await startStack(undefined, (part) =>
    home.environmentOf(part, (login) => `rediss+cluster://${login}@${named}`),
  )
})
afterAll(async () => {
  await stack?.stop()
  await home?.stop()
})

const checked = async (round: number): Promise<string[]> => {
  const violations: string[] = []
  const violated = (what: string): void => void violations.push(what)
  const rounds = [await runRound(stack, round, violated, 8)]
  await checkTold(stack, rounds, violated)
  await checkAudit(stack, violated)
  return violations
}

test('With a Cluster all parts do their work on one node, and go on when another takes its place', {
  retry: 0,
  timeout: 300_000,
}, async () => {
  expect(await checked(0)).toEqual([])
  for (const { admin } of masters) expect((await admin.dbsize()) > 0).toBe(admin === owner.admin)

  process.kill(owner.server.process.pid, 'SIGKILL')
  await until(
    async () => /role:master/.test(String(await replica.info('replication'))),
    'the replica takes over',
    90_000,
  )
  await until(
    async () => {
      const sent = await stack.world.slack.sendCommand(people.cho, '/access', 'grant orders-svc 1h because')
      return sent.answer !== undefined && messageText(sent.answer).includes('You have a pass')
    },
    'the bot gives passes again',
    90_000,
  )
  expect(await checked(1)).toEqual([])
})
