import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request as ask, createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startIdp } from '#infra/sandbox/idp/idp.ts'
import { people } from '#infra/sandbox/people.ts'
import { steadyPort } from '../free-ports.ts'
import { findPrograms } from '../programs.ts'
import { type Contender, type Kit, type Recipe, recipes } from './contenders.ts'
import { bothAlgorithms } from './tokens.ts'

const names = Object.keys(recipes) as (keyof typeof recipes)[]
const passing = names.filter((name) => name !== 'node')
const checking = ['haproxy_rs256', 'haproxy_es256', 'nginx_auth_request', 'caddy_forward_auth'] as const

const stops: (() => unknown)[] = []
const upstream = { requests: 0, connections: 0 }
let kit: Kit

beforeAll(async () => {
  const programs = await findPrograms(['nginx', 'haproxy', 'caddy'])
  if (programs.size < 3) throw new Error('the bench compares with these: apt-get install nginx haproxy caddy')
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-bench-test-'))
  stops.push(() => rm(folder, { recursive: true, force: true }))
  const idp = await startIdp({}, await steadyPort())
  stops.push(idp.close)
  const server = createServer((_request, response) => {
    upstream.requests += 1
    response.end('{}')
  })
  server.on('connection', () => {
    upstream.connections += 1
  })
  const port = await steadyPort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  stops.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const tokens = await bothAlgorithms(idp.issuer, await idp.tokenFor(people.ana), folder)
  kit = { folder, upstream: port, tokens, programs, ends: (end) => stops.push(end) }
}, 120_000)

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop()
}, 120_000)

const started = new Map<string, Promise<Contender>>()
const contenderNamed = (name: keyof typeof recipes): Promise<Contender> => {
  const recipe: Recipe = recipes[name]
  const known = started.get(name) ?? recipe.start(name, kit)
  started.set(name, known)
  return known
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
afterAll(() => agent.destroy())

const get = (port: number, token: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const headers = { host: 'orders-svc.localhost', authorization: `Bearer ${token}` }
    const asking = ask({ host: '127.0.0.1', port, path: '/v1/orders', headers, agent }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    asking.on('error', reject)
    asking.end()
  })

/** The same, with one letter in the middle of its signature changed. */
const forged = (token: string): string => {
  const at = token.length - 20
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

describe('what Pagepass is compared with', { timeout: 60_000 }, () => {
  test.each(passing)('%s passes requests on, over connections that it keeps', async (name) => {
    const { port, token } = await contenderNamed(name)
    const before = { ...upstream }
    const statuses: (number | undefined)[] = []
    for (let number = 0; number < 30; number += 1) statuses.push(await get(port, token))
    expect(statuses).toEqual(statuses.map(() => 200))
    expect(upstream.requests - before.requests).toBe(30)
    expect(upstream.connections - before.connections).toBeLessThanOrEqual(3)
  })

  test.each(checking)('%s refuses a forged token', async (name) => {
    const { port, token } = await contenderNamed(name)
    const before = upstream.requests
    expect(await get(port, forged(token))).toBe(401)
    expect(upstream.requests).toBe(before)
  })

  test('a front counts together with its auth server', async () => {
    const { pids } = await contenderNamed('nginx_auth_request')
    expect(new Set(pids).size).toBe(2)
  })
})
