import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisHome, redisHome, type Server } from '../../builders/redis-servers.ts'
import { until } from '../../builders.ts'
import { checkAudit, checkTold } from '../../journey/aftermath.ts'
import { runRound } from '../../journey/round.ts'
import { type Stack, startStack } from '../../running-stack.ts'

const slots = 16_384

let home: RedisHome
let nodes: Server[]
let stack: Stack

/** Three masters that know each other, each with a third of the slots. */
beforeAll(async () => {
  home = await redisHome()
  nodes = []
  for (const name of ['one', 'two', 'three']) {
    const lines = ['cluster-enabled yes', 'cluster-node-timeout 5000', 'cluster-announce-ip 127.0.0.1']
    nodes.push(await home.start(name, lines))
  }
  const admins = nodes.map(({ port }) => home.connect(port, 'admin'))
  for (const [index, admin] of admins.entries()) {
    const from = Math.ceil((slots / 3) * index)
    await admin.cluster('ADDSLOTSRANGE', from, Math.ceil((slots / 3) * (index + 1)) - 1)
    for (const { port } of nodes) await admin.cluster('MEET', '127.0.0.1', port)
  }
  await until(
    async () =>
      (await Promise.all(admins.map((admin) => admin.cluster('INFO')))).every(
        (info) => String(info).includes('cluster_state:ok') && String(info).includes('cluster_known_nodes:3'),
      ),
    'the Cluster is whole',
  )
  const named = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')
  stack = await startStack(undefined, (part) =>
    home.environmentOf(part, (login) => `rediss+cluster://${login}@${named}`),
  )
})
afterAll(async () => {
  await stack?.stop()
  await home?.stop()
})

test('With a Cluster of three, all parts do their work, and all of it lies on one node', async () => {
  const violations: string[] = []
  const violated = (what: string): void => void violations.push(what)
  const rounds = [await runRound(stack, 0, violated, 8)]
  await checkTold(stack, rounds, violated)
  await checkAudit(stack, violated)
  expect(violations).toEqual([])
  const sizes = await Promise.all(nodes.map(({ port }) => home.connect(port, 'admin').dbsize()))
  expect(sizes.filter((size) => size > 0)).toHaveLength(1)
})
