import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import type { PartName } from '#infra/sandbox/stack.ts'
import { call, openStream } from '../http-client.ts'
import { type Stack, startStack } from '../running-stack.ts'
import { openSocket } from '../socket-client.ts'

let stack: Stack
let rulesFile: string
let rulesText: string
let isUntouched = true
beforeAll(async () => {
  stack = await startStack()
  rulesFile = join(stack.folder, 'access.yaml')
  rulesText = await readFile(rulesFile, 'utf8')
}, 180_000)
afterAll(async () => {
  await stack?.stop()
})

/** Whatever the test before left: another proxy than that one, no pass, and the rules as they were. */
beforeEach(async () => {
  if (!isUntouched) {
    await stack.kill('proxy')
    await writeFile(rulesFile, rulesText)
    await stack.start('proxy')
    await slash('revoke orders-svc')
    await eventually(async () =>
      expect(await health('bot', 'healthz')).toMatchObject({ rules: { changed_on_disk: false } }),
    )
  }
  isUntouched = false
}, 180_000)

const slash = async (text: string): Promise<string> => {
  const sent = await stack.world.slack.sendCommand(people.ben, '/access', text)
  return sent.answer === undefined ? `(${sent.failure})` : messageText(sent.answer)
}
const health = async (part: PartName, path: 'healthz' | 'readyz'): Promise<Record<string, unknown>> => {
  const response = await fetch(`http://127.0.0.1:${stack.ports[`${part} admin`]}/${path}`)
  return (await response.json()) as Record<string, unknown>
}
const eventually = (holds: () => Promise<void>) => vi.waitFor(holds, { timeout: 60_000, interval: 50 })

/** A pass, and a stream and a WebSocket under it, in the proxy that runs now. */
const openBoth = async () => {
  expect(await slash('grant orders-svc 1h operate because draining')).toContain('You have a pass')
  const at = {
    port: stack.ports.proxy,
    host: 'orders-svc.localhost',
    token: await stack.world.idp.tokenFor(people.ben),
  }
  const stream = await openStream({ ...at, path: '/events?every=20' })
  expect(stream.status).toBe(200)
  const socket = await openSocket({ ...at, path: '/ws' })
  const run = stack.run('proxy')
  if (run === undefined) throw new Error('no proxy runs')
  return { at, stream, socket, run }
}

test('A proxy that gets SIGTERM keeps what is open until the pass is revoked, and then ends', async () => {
  const { at, stream, socket, run } = await openBoth()
  process.kill(run.pid, 'SIGTERM')
  await eventually(async () => expect(await health('proxy', 'readyz')).toMatchObject({ status: 'draining' }))
  // The process that serves hears of it a moment after its parent, whose readiness says so at once.
  await eventually(() => expect(call({ ...at, path: '/v1/orders' })).rejects.toThrow('ECONNREFUSED'))
  await socket.echo('still here')
  expect(await slash('revoke orders-svc')).toContain('1 of 1 proxy confirmed, 2 streams cut')
  await stream.closed
  expect(await socket.closed).toMatchObject({ code: 1008 })
  expect(await run.exited).toEqual({ code: 0, signal: null })
}, 180_000)

test('SIGINT meanwhile ends it at once, and WebSockets are told 1012', async () => {
  const { stream, socket, run } = await openBoth()
  process.kill(run.pid, 'SIGTERM')
  await eventually(async () => expect(await health('proxy', 'readyz')).toMatchObject({ status: 'draining' }))
  await socket.echo('still here')
  process.kill(run.pid, 'SIGINT')
  expect(await socket.closed).toMatchObject({ code: 1012 })
  await stream.closed
  expect(await run.exited).toEqual({ code: 0, signal: null })
}, 180_000)

test('A rule set that is edited under running processes is alarmed, and not applied', async () => {
  const parts = ['bot', 'workers', 'proxy'] as const
  const { rules } = (await health('bot', 'healthz')) as { rules: { hash: string; changed_on_disk: boolean } }
  expect(rules).toEqual({ hash: expect.stringMatching(/^[0-9a-f]{64}$/), changed_on_disk: false })
  expect(await slash('help')).toContain(`Rules \`${rules.hash.slice(0, 12)}\``)
  await writeFile(rulesFile, `${rulesText}services: no longer a rule set\n`)
  for (const part of parts) {
    await eventually(async () =>
      expect(await health(part, 'readyz')).toMatchObject({
        status: 'ready',
        rules: { hash: rules.hash, changed_on_disk: true },
      }),
    )
    expect(stack.log(part)).toContain('the rule set changed on disk')
  }
  expect(await slash('grant orders-svc 1h operate because unchanged')).toContain('You have a pass')
}, 180_000)
