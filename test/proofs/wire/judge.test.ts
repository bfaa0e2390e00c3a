import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { AuditRecord } from '../../builders/proxy.ts'
import type { Received } from '../../builders/upstream.ts'
import { type Heard, judge } from './judge.ts'
import { splitRequests } from './split.ts'

const client = '127.1.2.3'
const token = (subject: string): string =>
  `e30.${Buffer.from(JSON.stringify({ sub: subject })).toString('base64url')}.x`

const identity = {
  forwarded: `for=${client}`,
  'x-forwarded-for': client,
  'x-forwarded-host': 'orders-svc.access.test',
  'x-forwarded-proto': 'http',
  host: 'upstream',
}
const ours = { 'x-forwarded-for': (value: string) => value === client }

const request = new IncomingMessage(new Socket())
const seenBy = (
  subject: string,
  method: string,
  target: string,
  changes: Partial<Received> = {},
): Received => {
  const own = { ...identity, 'x-pagepass-assertion': token(subject) }
  return {
    method,
    target,
    rawHeaders: Object.entries(own),
    body: '',
    complete: true,
    request,
    response: new ServerResponse(request),
    read: { by: 'a server', method, target, path: target, identity: own },
    ...changes,
  }
}

const wireOf = (seen: readonly Received[]): Heard['wire'] =>
  seen.map(({ method, target, rawHeaders, body }) => ({ method, target, headers: rawHeaders, body }))

const sent = [
  `POST /v1/a HTTP/1.1\r\nAuthorization: Bearer ${token('ana')}\r\nContent-Length: 5\r\n\r\nhello`,
  `GET /v1/b HTTP/1.1\r\nAuthorization: Bearer ${token('ben')}\r\n\r\n`,
].join('')
const admitted = (id: string, who: string, method: string, path: string): AuditRecord => ({
  kind: 'admitted',
  id,
  who: `https://idp ${who}`,
  method,
  path,
  pattern: '* /v1/**',
})
const closed = (id: string, outcome: string, status = 200): [string, AuditRecord] => [
  id,
  { kind: 'closed', id, outcome, status },
]

const first = seenBy('ana', 'POST', '/v1/a', { body: 'hello' })
const second = seenBy('ben', 'GET', '/v1/b')
const heard = (seen: readonly Received[], changes: Partial<Heard> = {}): Heard => ({
  client,
  sent,
  records: [admitted('1', 'ana', 'POST', '/v1/a'), admitted('2', 'ben', 'GET', '/v1/b')],
  outcomes: new Map([closed('1', 'done'), closed('2', 'done')]),
  seen,
  wire: wireOf(seen),
  ...changes,
})

test('What was admitted and seen is in order', () => {
  expect(splitRequests(sent).rest).toBe('')
  expect(judge(heard([first, second]), ours)).toEqual([])
})

test('What was not done may be missing', () => {
  const outcomes = new Map([closed('1', 'aborted'), closed('2', 'done')])
  expect(judge(heard([second], { outcomes }), ours)).toEqual([])
})

const misread = (changes: Partial<NonNullable<Received['read']>>): Received => {
  const { read } = second
  if (read === undefined) throw new Error('it is read')
  return { ...second, read: { ...read, ...changes } }
}

test.each<[string, Heard]>([
  ['a request that nobody admitted', heard([first, second, seenBy('ana', 'GET', '/v1/hidden')])],
  ['one on the wire only', heard([first, second], { wire: wireOf([first, second, second]) })],
  ['an admitted one that never came', heard([first])],
  ['one that came twice', heard([first, first, second])],
  ['another order', heard([second, first])],
  ['another person', heard([first, seenBy('ana', 'GET', '/v1/b')])],
  [
    'another person, on both sides',
    heard([first, seenBy('ana', 'GET', '/v1/b')], {
      records: [admitted('1', 'ana', 'POST', '/v1/a'), admitted('2', 'ana', 'GET', '/v1/b')],
    }),
  ],
  ['another body', heard([seenBy('ana', 'POST', '/v1/a', { body: 'hell' }), second])],
  ['a target that nobody sent', heard([first, seenBy('ben', 'GET', '/v1/b?x')])],
  ['another method, by the server’s reading', heard([first, misread({ method: 'HEAD' })])],
  ['another target, by the server’s reading', heard([first, misread({ target: '/v1/B' })])],
  ['another path, by the server’s reading', heard([first, misread({ path: '/admin' })])],
  ['another value, by the server’s reading', heard([first, misread({ identity: { host: 'x' } })])],
  [
    'a second identity header',
    heard([first, { ...second, rawHeaders: [...second.rawHeaders, ['X_Forwarded.For', client]] }]),
  ],
  [
    'a forged identity header',
    heard([first, { ...second, rawHeaders: second.rawHeaders.map(([name]) => [name, 'x']) }]),
  ],
  [
    'one that the server refused',
    heard([first, second], { outcomes: new Map([closed('1', 'done', 400), closed('2', 'done')]) }),
  ],
  [
    'one that was refused after all',
    heard([first, second], { outcomes: new Map([closed('1', 'refused', 503), closed('2', 'done')]) }),
  ],
])('It finds %s', (_, wrong) => {
  expect(judge(wrong, ours)).not.toEqual([])
})
