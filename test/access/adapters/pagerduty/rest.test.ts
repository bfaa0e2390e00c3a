import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createNotes } from '#access/adapters/pagerduty/notes.ts'
import { createRest, PagerDutyFault } from '#access/adapters/pagerduty/rest.ts'

let server: Server
let answer: (request: IncomingMessage, body: string, response: ServerResponse) => void
let base: string
let asked: number
beforeEach(async () => {
  asked = 0
  server = createServer((request, response) => {
    asked += 1
    const parts: Buffer[] = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => answer(request, Buffer.concat(parts).toString(), response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const json = (status: number, body: unknown, headers: Record<string, string> = {}) => {
  answer = (_request, _body, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
const shape = z.object({ thing: z.string() })
const rest = () => createRest(`${base}/`, 'token')
const faultOf = async (call: Promise<unknown>): Promise<PagerDutyFault> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof PagerDutyFault)) throw new Error(`no fault of PagerDuty: ${error}`)
  return error
}

describe('PagerDuty’s REST API', () => {
  test('is asked with the token, and its answer is read by shape', async () => {
    let seen: IncomingMessage | undefined
    answer = (request, _body, response) => {
      seen = request
      response.end('{"thing":"a","more":1}')
    }
    expect(await rest().get('/things/1', shape)).toEqual({ thing: 'a' })
    expect(seen?.url).toBe('/things/1')
    expect(seen?.headers.authorization).toBe('Token token=token')
  })

  test('gets what is posted, and the headers with it', async () => {
    let seen: unknown
    answer = (request, body, response) => {
      seen = [request.method, request.headers['from'], JSON.parse(body)]
      response.writeHead(201).end('{"thing":"a"}')
    }
    await rest().post('/things', { thing: 'a' }, { From: 'ana@example.com' }, shape)
    expect(seen).toEqual(['POST', 'ana@example.com', { thing: 'a' }])
  })

  test('that does not know something is undefined when asked, and a fault when told', async () => {
    json(404, { error: { message: 'Not Found' } })
    expect(await rest().get('/things/1', shape)).toBeUndefined()
    expect(await faultOf(rest().post('/things', {}, undefined, shape))).toMatchObject({ status: 404 })
  })

  test.each([
    ['ratelimit-reset', '17', 17_000],
    ['retry-after', '3', 3_000],
    ['retry-after', 'soon', 60_000],
    ['ratelimit-reset', '-1', 60_000],
    ['retry-after', '999999999', 60_000],
  ])('that is asked too often says how long to wait: %s %s', async (name, value, waitMs) => {
    json(429, { error: { message: 'Rate Limit Exceeded' } }, { [name]: value })
    expect(await faultOf(rest().get('/things/1', shape))).toMatchObject({
      code: 'pagerduty/failed',
      status: 429,
      retryAfterMs: waitMs,
    })
  })

  test('is asked again at once when it was only for a moment too often', async () => {
    answer = (_request, _body, response) =>
      response.writeHead(asked === 1 ? 429 : 200).end(asked === 1 ? '{}' : '{"thing":"a"}')
    expect(await rest().get('/things/1', shape)).toEqual({ thing: 'a' })
  })

  test('that sends us elsewhere is not followed, and the token goes nowhere else', async () => {
    let followed = false
    answer = (request, _body, response) => {
      if (request.url === '/things/1') response.writeHead(307, { location: `${base}/elsewhere` }).end()
      else followed = response.end('{"thing":"a"}') !== undefined
    }
    await faultOf(rest().get('/things/1', shape))
    expect(followed).toBe(false)
  })

  test('that answers without end is a fault', async () => {
    answer = (_request, _body, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(`{"thing":"${'a'.repeat(5_000_000)}"}`)
    }
    await faultOf(rest().get('/things/1', shape))
  })

  test('that answers HTML, another shape or nothing is a fault', async () => {
    answer = (_request, _body, response) => response.writeHead(502).end('<html>')
    expect(await faultOf(rest().get('/things/1', shape))).toMatchObject({ status: 502 })
    json(200, { other: 1 })
    expect((await faultOf(rest().get('/things/1', shape))).status).toBeUndefined()
    answer = (_request, _body, response) => response.destroy()
    expect((await faultOf(rest().get('/things/1', shape))).status).toBeUndefined()
  })
})

describe('A note', () => {
  const notes = () => createNotes(base, 'token', 'ana@example.com')

  test('that is too long is cut, between characters, and is found again', async () => {
    let kept = ''
    answer = (request, body, response) => {
      if (request.method === 'POST') kept = JSON.parse(body).note.content
      response.end(
        JSON.stringify(request.method === 'POST' ? { note: { id: 'N1' } } : { notes: [{ content: kept }] }),
      )
    }
    const long = `${'a'.repeat(24_998)}🙂${'b'.repeat(10)}`
    await notes().add('Q1', long)
    expect(kept).toBe(`${'a'.repeat(24_998)}…`)
    expect(await notes().has('Q1', long)).toBe(true)
    expect(await notes().has('Q1', 'another')).toBe(false)
  })

  test('is found with other white space', async () => {
    json(200, { notes: [{ content: 'Ana had access\r\n 7 requests\n' }] })
    expect(await notes().has('Q1', 'Ana had access\n7 requests')).toBe(true)
  })

  test('is not there where the incident is not', async () => {
    json(404, {})
    expect(await notes().has('Q1', 'any')).toBe(false)
  })
})
