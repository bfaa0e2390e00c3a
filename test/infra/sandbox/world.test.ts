import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { people } from '#infra/sandbox/people.ts'
import { createWorld, type World } from '#infra/sandbox/world.ts'
import { readWorldConfig } from '#infra/sandbox/world-config.ts'
import { newStateFolder, worldOptions } from './a-world.ts'

const NOBODY = 'http://127.0.0.1:1'
const worlds: World[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

const start = async (options = worldOptions(NOBODY)): Promise<World> => {
  const world = await createWorld(options)
  worlds.push(world)
  return world
}

const say = (world: World, text: string) =>
  fetch(`${world.urls.slack}/api/chat.postMessage`, {
    method: 'POST',
    headers: { authorization: 'Bearer xoxb-sandbox' },
    body: new URLSearchParams({ channel: 'inc-orders', text }),
  })

const control = async (world: World, path: string, init?: RequestInit) =>
  (await fetch(`${world.urls.control}${path}`, init)).text()

describe('The sandbox', () => {
  test('finds after a restart the incidents, messages and keys it had before', async () => {
    const folder = newStateFolder()
    const first = await createWorld(worldOptions(NOBODY, folder))
    await control(first, '/page', { method: 'POST', body: new URLSearchParams({ service: 'orders-svc' }) })
    await say(first, 'before')
    const keys = await (await fetch(`${first.urls.idp}/jwks`)).json()
    await first.close()

    const second = await start(worldOptions(NOBODY, folder))
    expect(await control(second, '/incidents')).toContain('[#1] orders-svc')
    await control(second, '/page', { method: 'POST', body: new URLSearchParams({ service: 'orders-svc' }) })
    expect(await control(second, '/incidents')).toContain('[#2] orders-svc')
    await say(second, 'after')
    expect(await control(second, '/channel/inc-orders')).toMatch(/before[\s\S]*after/)
    expect(await (await fetch(`${second.urls.idp}/jwks`)).json()).toEqual(keys)
  })

  test('leaves no half-written files behind', async () => {
    const folder = newStateFolder()
    const world = await start(worldOptions(NOBODY, folder))
    await say(world, 'hello')
    await control(world, '/page', { method: 'POST', body: new URLSearchParams({ service: 'orders-svc' }) })
    expect(readdirSync(folder).sort()).toEqual(['idp.json', 'pagerduty.json', 'slack.json'])
  })

  test.each([
    ['slack.json', '{"lastTs":1,"messages":[{"cha'],
    ['pagerduty.json', '{"incidents":"none"}'],
    ['idp.json', ''],
  ])('does not start with a broken %s, and says which file to delete', async (name, content) => {
    const folder = newStateFolder()
    writeFileSync(join(folder, name), content)
    await expect(createWorld(worldOptions(NOBODY, folder))).rejects.toThrow(
      `The sandbox's state file ${join(folder, name)} is broken. Delete it to start afresh.`,
    )
  })

  test('names the port that is taken, and lets go of the others', async () => {
    const first = await start()
    const taken = Number(new URL(first.urls.orders).port)
    const options = worldOptions(NOBODY)
    const free = await createWorld(options)
    const slack = Number(new URL(free.urls.slack).port)
    await free.close()
    await expect(
      createWorld({ ...options, ports: { ...options.ports, slack, orders: taken } }),
    ).rejects.toThrow(`Port ${taken} for the orders stand-in is taken`)
    await expect(fetch(`http://127.0.0.1:${slack}`)).rejects.toThrow()
  })

  test('serves one cast under the ids of every service', async () => {
    const world = await start()
    const { ana } = people
    const slack = await fetch(`${world.urls.slack}/api/users.info?user=${ana.slack.user}`, {
      headers: { authorization: 'Bearer xoxb-sandbox' },
    })
    const pagerduty = await fetch(`${world.urls.pagerduty}/users/${ana.pagerduty.user}`, {
      headers: { authorization: 'Token token=pd-token' },
    })
    expect(await slack.json()).toMatchObject({ user: { profile: { email: ana.email } } })
    expect(await pagerduty.json()).toMatchObject({ user: { email: ana.email } })
  })
})

const environment = (changes: Record<string, string | undefined> = {}) => ({
  SANDBOX_PORTS: 'slack=0,pagerduty=0,idp=0,control=0,orders=0,payments=0',
  SANDBOX_STATE: newStateFolder(),
  SANDBOX_BOT_URL: NOBODY,
  SLACK_BOT_TOKEN: 'xoxb-sandbox',
  SLACK_SIGNING_SECRET: 'signing',
  PAGERDUTY_TOKEN: 'pd-token',
  PAGERDUTY_WEBHOOK_SECRET: 'webhook',
  ...changes,
})

describe('The sandbox’s environment', () => {
  test('gives every port and secret', () => {
    const ports = 'slack=7072,pagerduty=7073,idp=7074,control=7075,orders=7076,payments=7077'
    expect(
      readWorldConfig(environment({ SANDBOX_PORTS: ports, SANDBOX_BOT_URL: 'http://127.0.0.1:7071/' })),
    ).toMatchObject({
      ports: { slack: 7072, pagerduty: 7073, idp: 7074, control: 7075, orders: 7076, payments: 7077 },
      botUrl: 'http://127.0.0.1:7071',
      slackBotToken: 'xoxb-sandbox',
    })
  })

  test('is told all its faults at once', () => {
    const broken = environment({ SANDBOX_PORTS: 'slack=x', SLACK_BOT_TOKEN: '', PAGERDUTY_TOKEN: undefined })
    expect(() => readWorldConfig(broken)).toThrow(
      /^SANDBOX_PORTS must name a port for each.*\nSLACK_BOT_TOKEN is empty\nPAGERDUTY_TOKEN is missing$/,
    )
  })

  test('may not send webhooks to another machine', () => {
    const away = environment({ SANDBOX_BOT_URL: 'http://bot.example:7071' })
    expect(() => readWorldConfig(away)).toThrow('SANDBOX_BOT_URL must be on this machine')
  })
})

describe('The sandbox’s process', () => {
  const run = (env: Record<string, string | undefined>) =>
    spawn(process.execPath, ['infra/sandbox/world-main.ts'], { env, stdio: ['ignore', 'pipe', 'pipe'] })

  test.each(['SIGTERM', 'SIGINT'] as const)('ends cleanly on %s', async (signal) => {
    const child = run(environment())
    const exited = once(child, 'exit')
    const [said] = await once(child.stdout, 'data')
    expect(String(said)).toContain('The sandbox is up.')
    child.kill(signal)
    expect(await exited).toEqual([0, null])
  })

  test('says what is missing and ends with 1', async () => {
    const child = run(environment({ SANDBOX_STATE: undefined }))
    const exited = once(child, 'exit')
    const [said] = await once(child.stderr, 'data')
    expect(String(said)).toBe('SANDBOX_STATE is missing\n')
    expect(await exited).toEqual([1, null])
  })
})
