import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createKeys, loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { pagepassHere } from './run-cli.ts'
import { useFolder } from './use-folder.ts'

const folder = useFolder()
let keys: string
let received: { readonly path: string; readonly body: string }[] = []
let status = 200
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString()
  })
  request.on('end', () => {
    received.push({ path: `${request.method} ${request.url}`, body })
    response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('{"locked":"Ana Lima"}')
  })
})
let url: string
beforeAll(async () => {
  keys = folder.at('keys')
  await createKeys(keys, 'sandbox')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  received = []
  status = 200
})

const lock = (to = url, holder = 'responder') =>
  pagepassHere(
    [
      'lock',
      'idp-ana',
      '--because',
      'a stolen laptop',
      '--keys',
      join(keys, holder),
      '--environment',
      'sandbox',
    ].concat(['--bot', to]),
  )

test('The order is signed by the key that may only lock, and brought to the bot', async () => {
  const before = Date.now()
  const { code, out, err } = await lock()
  expect([code, out, err]).toEqual([0, '{"locked":"Ana Lima"}\n', ''])
  const [{ path, body } = { path: '', body: '' }] = received
  expect(path).toBe('POST /api/v1/locks')
  const order = await createStatements(await loadKeys(join(keys, 'bot'), 'bot', 'sandbox')).verify(
    'lock-order',
    body,
  )
  expect(order).toMatchObject({ environment: 'sandbox', subject: 'idp-ana', because: 'a stolen laptop' })
  expect(order.at).toBeGreaterThanOrEqual(before)
})

test.each([[403], [503], [302]])('Whoever was not locked out is said to be not: %s', async (answered) => {
  status = answered
  const { code, err } = await lock()
  expect(code).toBe(1)
  expect(err).toContain('idp-ana is NOT locked out')
  expect(received).toHaveLength(1)
})

test('So is it where no bot answers, or the key is not there', async () => {
  const nobody = await lock('http://127.0.0.1:1')
  expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('NOT locked out')])
  expect((await lock(url, 'offline')).code).toBe(1)
  expect(received).toEqual([])
})
