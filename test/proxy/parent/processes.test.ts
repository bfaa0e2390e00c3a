import { writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { afterEach, expect, inject, test } from 'vitest'
import { until } from '../../builders/proxy.ts'
import { type ProxyProcesses, startProxyProcesses } from '../../builders/proxy-processes.ts'
import { events } from '../../builders/upstream.ts'

const database = 91
let proxy: ProxyProcesses
const agents = new Set<Agent>()
afterEach(async () => {
  for (const agent of agents) agent.destroy()
  await proxy.stop()
})
const start = async (how?: Parameters<typeof startProxyProcesses>[2]): Promise<void> => {
  proxy = await startProxyProcesses(inject('redisUrl'), database, how)
}

type Answer = { readonly status: number; readonly closes: boolean }

/** Asks as somebody with connections of their own, which they keep. */
const someone = async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  agents.add(agent)
  const authorization = `Bearer ${await proxy.token()}`
  const headers = { host: proxy.host, authorization }
  return {
    headers,
    ask: (method = 'GET'): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const asked = request(
          { port: proxy.port, path: '/v1/orders', method, agent, headers },
          (response) => {
            response.resume()
            response.once('error', reject)
            response.once('end', () =>
              resolve({
                status: response.statusCode ?? 0,
                closes: response.headers['connection'] === 'close',
              }),
            )
          },
        )
        asked.once('error', reject)
        asked.end()
      }),
    leave: () => agent.destroy(),
  }
}
const pids = async (): Promise<number[]> =>
  ((await proxy.ready())?.processes ?? []).filter(({ status }) => status === 'ready').map(({ pid }) => pid)
const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const says = (what: string): Promise<void> =>
  until(async () => (await proxy.log()).includes(what), `the log to say: ${what}`)

test('Each process serves, with a log and counts of its own, and a revocation reaches all', async () => {
  await start()
  await proxy.untilReady()
  expect((await proxy.ready())?.processes).toMatchObject([
    { name: 'edge.1', status: 'ready', rules: proxy.rules.hash },
    { name: 'edge.2', status: 'ready', rules: proxy.rules.hash },
  ])
  const grant = await proxy.give()
  await until(async () => {
    // Connections of one client each, as each goes to one process.
    const client = await someone()
    expect([200, 403]).toContain((await client.ask()).status)
    client.leave()
    return [...(await proxy.admitted()).values()].filter((count) => count > 0).length === 2
  }, 'both to have admitted something')
  expect([...(await proxy.admitted()).keys()].sort()).toEqual(['proxy-edge.1.jsonl', 'proxy-edge.2.jsonl'])

  const metrics = await (await fetch(`http://127.0.0.1:${proxy.adminPort}/metrics`)).text()
  for (const name of ['edge.1', 'edge.2']) {
    expect(metrics).toMatch(
      new RegExp(`pagepass_decisions_total\\{reason="admitted",process="${name}"\\} [1-9]`),
    )
    expect(metrics).toContain(`pagepass_process_up{process="${name}"} 1`)
  }
  expect(metrics).toContain('pagepass_rules_changed_on_disk 0')

  const { receipt } = await proxy.end(grant)
  await until(async () => (await receipt()).confirmed.length === 2, 'both to confirm the end')
  expect(await receipt()).toMatchObject({ confirmed: ['edge.1', 'edge.2'], missing: [] })
  const refused = await Promise.all([1, 2, 3, 4].map(async () => (await (await someone()).ask()).status))
  expect(refused).toEqual([403, 403, 403, 403])
})

test('SIGHUP replaces every process by one with the new rule set, and no request is lost', async () => {
  await start({ by: 'command' })
  await proxy.untilReady()
  await proxy.give()
  const before = await pids()
  const client = await someone()
  await until(async () => (await client.ask()).status === 200, 'the pass to be there')

  const answers: Answer[] = []
  let enough = false
  const load = [1, 2, 3, 4].map(async (n) => {
    while (!enough) answers.push(await client.ask(n % 2 === 0 ? 'GET' : 'POST'))
  })
  await writeFile(proxy.rulesFile, `${proxy.text}\n# a comment\n`.replace('rate: 2/m, burst: 2', 'rate: 3/m'))
  proxy.signal('SIGHUP')
  await says('the serving processes are replaced')
  await until(async () => before.every((pid) => !lives(pid)), 'the old ones to end')
  const count = answers.length
  await until(async () => answers.length > count + 20, 'some more answers')
  enough = true
  await Promise.all(load)
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])

  const after = (await proxy.ready())?.processes ?? []
  expect(after.map(({ status }) => status)).toEqual(['ready', 'ready'])
  expect(after.every(({ rules }) => rules !== undefined && rules !== proxy.rules.hash)).toBe(true)
  expect((await proxy.ready())?.rules).toEqual({ hash: after[0]?.rules, changed_on_disk: false })
  expect([...(await proxy.admitted()).values()].reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(
    answers.length,
  )
})

test('Where the new rule set has a fault, the old processes go on', async () => {
  await start()
  await proxy.untilReady()
  const before = await pids()
  await writeFile(proxy.rulesFile, proxy.text.replace('serve: blue', 'serve: purple'))
  proxy.signal('SIGHUP')
  await says('the old ones go on')
  expect(await proxy.log()).toContain('purple')
  expect(await pids()).toEqual(before)
  await writeFile(proxy.rulesFile, proxy.text)
  proxy.signal('SIGHUP')
  await says('the serving processes are replaced')
})

test('One that dies is replaced, and the others serve meanwhile', async () => {
  await start()
  await proxy.untilReady()
  await proxy.give()
  const [victim, other] = await pids()
  process.kill(victim as number, 'SIGKILL')
  await says('a serving process ended by itself')
  const client = await someone()
  await until(async () => (await client.ask()).status === 200, 'the other to answer')
  await proxy.untilReady()
  const after = await pids()
  expect(after).toContain(other)
  expect(after).not.toContain(victim)
  expect((await proxy.named('ready')).sort()).toEqual(['edge.1', 'edge.2'])
})

test('Without anybody who signs heads it is not ready, but answers: closed, until it is in step', async () => {
  await start({ bot: false })
  await until(async () => (await proxy.named('waiting')).length > 0, 'the first process')
  const ready = await proxy.ready()
  expect(ready).toMatchObject({ status: 'waiting' })
  expect(ready?.waiting_for).toContain('the first sync with Redis')
  expect(ready?.processes).toContainEqual(expect.objectContaining({ status: 'waiting', mode: 'starting' }))
  expect((await (await someone()).ask()).status).toBe(503)
})

test('SIGTERM drains every process; the parent ends with the last of them', async () => {
  await start()
  await proxy.untilReady()
  await proxy.give()
  const { headers, ask } = await someone()
  await until(async () => (await ask()).status === 200, 'the pass to be there')
  proxy.orders.answerWith(events)
  const seen: string[] = []
  let ended = false
  const stream = request({ port: proxy.port, path: '/v1/events', headers }, (response) => {
    response.on('data', (chunk: Buffer) => void seen.push(chunk.toString()))
    response.on('error', () => undefined)
    response.on('close', () => {
      ended = true
    })
  })
  stream.on('error', () => undefined)
  stream.end()
  await until(() => seen.length > 0, 'the first event')
  proxy.signal('SIGTERM')
  await until(async () => (await proxy.ready())?.status === 'draining', 'it to drain')
  expect(await proxy.named('draining')).toContain('edge.1')
  const count = seen.length
  await until(() => seen.length > count, 'more events')
  expect(ended).toBe(false)
  stream.destroy()
  expect(await proxy.exited).toBe(0)
})

test('When the parent is killed, the processes stop in order', async () => {
  await start()
  await proxy.untilReady()
  const before = await pids()
  proxy.signal('SIGKILL')
  await until(() => before.every((pid) => !lives(pid)), 'them to end')
  const log = await proxy.log()
  expect(log.match(/"why":"the parent process is gone"/g)).toHaveLength(2)
  expect(log.match(/"msg":"stopped"/g)).toHaveLength(2)
})

test('A fault at the start is told once, with its mend, and ends everything', async () => {
  await start({ mend: (text) => text.replace('serve: blue', 'serve: purple') })
  expect(await proxy.exited).toBe(1)
  const log = await proxy.log()
  expect(log.match(/purple/g)).toHaveLength(1)
  expect(log).toContain('pagepass rules check')
})
