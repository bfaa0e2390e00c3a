import { request as httpRequest } from 'node:http'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callControl, type RecordedWorld, startRecordedWorld } from './a-world.ts'
import type { Recorded, Reply } from './recorder.ts'

let bot: RecordedWorld['bot']
let world: RecordedWorld['world']
let close: RecordedWorld['close']
let reply: (request: Recorded) => Reply

beforeEach(async () => {
  reply = () => ({ status: 200 })
  ;({ bot, world, close } = await startRecordedWorld((request) => reply(request)))
})
afterEach(() => close())

const get = (path: string, headers: Record<string, string> = {}) => callControl(world, path, { headers })

const post = (path: string, fields: Record<string, string> = {}) =>
  callControl(world, path, { method: 'POST', body: new URLSearchParams(fields) })

const json = async (path: string) => JSON.parse((await get(path, { accept: 'application/json' })).text)

describe('The control API', () => {
  test('shows every call as a line for curl', async () => {
    const { text } = await get('/')
    expect(text).toContain(`curl -d service=orders-svc -d who=ana ${world.urls.control}/page`)
    expect(text).toContain(
      `curl -d as=ana -d 'text=grant orders-svc 2h because stuck orders' ${world.urls.control}/slack`,
    )
    expect(text).toContain(`curl '${world.urls.control}/token?who=ana'`)
  })

  test('pages somebody, and says the incident’s id', async () => {
    const { status, text } = await post('/page', { service: 'orders-svc', who: 'ana', title: 'Stuck' })
    const [incident] = world.pagerduty.incidents.all()
    expect({ status, text }).toEqual({
      status: 200,
      text: `${incident?.id} [#1] Stuck: triggered on orders-svc, assigned to Ana Lopes`,
    })
    expect(incident).toMatchObject({
      urgency: 'high',
      statusChangedBy: { kind: 'integration', id: 'PIDATADOG' },
    })
  })

  test('pages who is on call when nobody is named, in the name of whoever triggered it', async () => {
    await post('/page', { service: 'payments-svc', by: 'eve', urgency: 'low', priority: 'P1' })
    expect(world.pagerduty.incidents.all()).toMatchObject([
      {
        assignments: [{ user: 'PUCHO01' }],
        statusChangedBy: { kind: 'user', id: 'PUEVE01' },
        urgency: 'low',
        priority: 'P1',
      },
    ])
  })

  test('changes who is on call, who is paged from then on', async () => {
    expect((await post('/oncall', { service: 'orders-svc', who: 'cho' })).text).toContain(
      'orders-svc: Cho Park, Ben Okafor',
    )
    await post('/page', { service: 'orders-svc' })
    expect(world.pagerduty.incidents.all()).toMatchObject([{ assignments: [{ user: 'PUCHO01' }] }])
    expect((await post('/oncall', { service: 'orders-svc', who: 'cho', level: '9' })).status).toBe(409)
    expect((await get('/oncall')).text).toContain('payments-svc: Cho Park, Ben Okafor')
  })

  test('takes JSON and answers JSON', async () => {
    const response = await fetch(`${world.urls.control}/page`, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ service: 'orders-svc', who: 'ana' }),
    })
    expect(await response.json()).toMatchObject({ number: 1, status: 'triggered' })
  })

  test('moves an incident along, by its id or its number', async () => {
    await post('/page', { service: 'orders-svc' })
    const id = world.pagerduty.incidents.all()[0]?.id ?? ''
    expect((await post(`/incidents/${id}/acknowledge`, { by: 'ana' })).text).toContain('acknowledged')
    expect((await post('/incidents/1/escalate')).text).toContain('assigned to Ben Okafor')
    expect((await post('/incidents/1/reassign', { to: 'cho' })).text).toContain('assigned to Cho Park')
    expect((await post('/incidents/1/resolve', { by: 'datadog' })).text).toContain('resolved')
    expect((await get('/incidents')).text).toContain(id)
  })

  test('resolves the newest open incident of a service', async () => {
    for (let count = 0; count < 3; count += 1) await post('/page', { service: 'orders-svc' })
    await post('/incidents/3/resolve')
    await post('/resolve', { service: 'orders-svc' })
    const statuses = world.pagerduty.incidents.all().map(({ status }) => status)
    expect(statuses).toEqual(['triggered', 'resolved', 'resolved'])
  })

  test('says who resolved an incident: the assignee, unless somebody else is named', async () => {
    for (let count = 0; count < 3; count += 1) await post('/page', { service: 'orders-svc' })
    expect((await post('/resolve', { service: 'orders-svc' })).text).toContain('resolved by Ana Lopes')
    expect((await post('/resolve', { service: 'orders-svc', by: 'ben' })).text).toContain('resolved by Ben')
    const third = await post('/resolve', { service: 'orders-svc', by: 'datadog' })
    expect(third.text).toContain('resolved by Datadog')
  })

  test('merges an incident into another', async () => {
    for (let count = 0; count < 2; count += 1) await post('/page', { service: 'orders-svc' })
    const { text } = await post('/merge', { incident: '2', into: '1', by: 'ben' })
    expect(text).toContain('[#1]')
    const [target, source] = world.pagerduty.incidents.all()
    expect(source).toMatchObject({
      status: 'resolved',
      mergedInto: target?.id,
      statusChangedBy: { kind: 'user', id: 'PUBEN01' },
    })
  })

  test('asks somebody to help, who answers', async () => {
    await post('/page', { service: 'orders-svc' })
    const asked = await post('/responder', { incident: '1', who: 'ben', by: 'ana' })
    expect(asked.text).toContain('Ben Okafor is asked to help')
    await post('/responder/reply', { incident: '1', who: 'ben', answer: 'joined' })
    expect(world.pagerduty.incidents.all()).toMatchObject([
      { responders: [{ user: 'PUBEN01', requester: 'PUANA01', state: 'joined' }] },
    ])
  })

  test('takes an acknowledgement back, reopens, delegates, changes urgency and priority', async () => {
    await post('/page', { service: 'orders-svc' })
    await post('/incidents/1/acknowledge', { by: 'ana' })
    expect((await post('/unacknowledge', { incident: '1' })).text).toContain('triggered')
    const [incident] = world.pagerduty.incidents.all()
    expect(incident?.statusChangedBy).toEqual({ kind: 'service', id: 'PORDERS' })
    await post('/urgency', { incident: '1', urgency: 'low', by: 'ben' })
    await post('/priority', { incident: '1', priority: 'P2', by: 'ben' })
    expect(incident).toMatchObject({ urgency: 'low', priority: 'P2' })
    expect((await post('/delegate', { incident: '1', service: 'payments-svc' })).text).toContain('Cho Park')
    await post('/resolve', { service: 'orders-svc' })
    expect((await post('/reopen', { incident: '1', by: 'ana' })).text).toContain('triggered')
    const agents = world.pagerduty.incidents
      .logEntriesOf(incident?.id ?? '')
      .map(({ type, agent }) => [type, agent.id])
    expect(agents).toContainEqual(['urgency_change_log_entry', 'PUBEN01'])
    expect(agents).toContainEqual(['reopen_log_entry', 'PUANA01'])
  })

  test('lets the API of PagerDuty fail, and mends it', async () => {
    await post('/pagerduty/fail', { kind: '429', count: '2', path: '/users' })
    const users = async () =>
      (await fetch(`${world.urls.pagerduty}/users`, { headers: { authorization: 'Token token=pd-token' } }))
        .status
    expect(await users()).toBe(429)
    expect((await post('/pagerduty/fail', { kind: 'none' })).text).toBe("PagerDuty's API answers again.")
    expect(await users()).toBe(200)
  })

  test('keeps webhooks back, and sends them late and out of order', async () => {
    await post('/webhooks/hold')
    await post('/page', { service: 'orders-svc' })
    const { text } = await post('/incidents/1/resolve')
    expect(text).toContain('resolved')
    expect((await get('/webhooks')).text).toContain('0 waiting, 2 held, 0 dropped')
    await post('/webhooks/release', { order: 'reversed', late: '120' })
    await expect.poll(() => bot.requests.length, { timeout: 30_000 }).toBe(2)
    const events = bot.requests.map(({ body }) => JSON.parse(body).event)
    expect(events.map(({ event_type }) => event_type)).toEqual(['incident.resolved', 'incident.triggered'])
    const [incident] = world.pagerduty.incidents.all()
    expect(Date.parse(events[1].occurred_at)).toBeLessThan(Date.parse(incident?.createdAt ?? '') - 7_100_000)
    await post('/webhooks/repeat', { incident: '1' })
    await expect.poll(() => bot.requests.length, { timeout: 30_000 }).toBe(3)
    expect(bot.requests[2]?.headers['x-webhook-id']).toBe(bot.requests[0]?.headers['x-webhook-id'])
  })

  test('rotates the keys of the identity provider', async () => {
    const { text: before } = await get('/token?who=ana')
    expect((await post('/idp/rotate')).text).toMatch(/the first signs: \w+, \w+$/)
    const { text: after } = await get('/token?who=ana')
    const [old, fresh] = [before, after].map((token) => decodeProtectedHeader(token).kid)
    expect(fresh).not.toBe(old)
    expect((await post('/idp/withdraw')).text).toBe(`Published keys, the first signs: ${fresh}`)
  })

  test('types a slash command and prints the private answer as a person reads it', async () => {
    reply = () => ({
      status: 200,
      type: 'application/json',
      body: JSON.stringify({
        text: 'fallback',
        blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '*You* have it' } }],
      }),
    })
    const { text } = await post('/slack', { as: 'ana', text: 'grant orders-svc 2h', channel: 'inc-orders' })
    expect(text).toBe('You have it')
    const sent = new URLSearchParams(bot.requests[0]?.body)
    expect(sent.get('command')).toBe('/access')
    expect(sent.get('channel_name')).toBe('inc-orders')
    expect(bot.requests[0]?.path).toBe('/slack/events')
    expect((await get('/private/ana')).text).toContain('You have it')
  })

  test('waits for an answer by the response_url when the acknowledgement is empty', async () => {
    reply = (request) => {
      const url = new URLSearchParams(request.body).get('response_url') ?? ''
      setTimeout(() => fetch(url, { method: 'POST', body: JSON.stringify({ text: 'done' }) }), 20)
      return { status: 200 }
    }
    expect((await post('/slack', { as: 'ana', text: 'list' })).text).toBe('done')
  })

  test('prints what Slack says when the bot fails', async () => {
    reply = () => ({ status: 500 })
    const { text } = await post('/slack', { as: 'ana', text: 'list', command: '/pass' })
    expect(text).toBe('/pass failed with the error "dispatch_failed"')
  })

  test('prints a channel and direct messages', async () => {
    expect((await get('/channel/inc-orders')).text).toBe('No messages yet.')
    for (const channel of ['inc-orders', 'U0ANA00001']) {
      await fetch(`${world.urls.slack}/api/chat.postMessage`, {
        method: 'POST',
        headers: { authorization: 'Bearer xoxb-sandbox' },
        body: new URLSearchParams({ channel, text: `to ${channel}` }),
      })
    }
    expect((await get('/channel/inc-orders')).text).toContain('to inc-orders')
    expect((await get('/dm/ana')).text).toContain('to U0ANA00001')
    expect(JSON.parse((await get('/channel/inc-orders?json')).text)).toMatchObject({
      messages: [{ text: 'to inc-orders' }],
    })
  })

  test('prints a token that is nothing but the token', async () => {
    const { text } = await get('/token?who=ana')
    expect(decodeJwt(text)).toMatchObject({ sub: 'idp-ana', iss: world.urls.idp })
  })

  test('prints what a service saw', async () => {
    await fetch(`${world.urls.orders}/v1/orders?page=2`)
    expect(await json('/requests/orders-svc')).toMatchObject({
      service: 'orders-svc',
      requests: 1,
      latest: [{ method: 'GET', target: '/v1/orders?page=2' }],
      streams: [],
      sockets: [],
    })
    expect(await json('/requests/payments-svc')).toMatchObject({ requests: 0 })
  })

  test('tells how the deliveries fare, and enables the subscription again', async () => {
    reply = () => ({ status: 400 })
    for (let count = 0; count < 3; count += 1) await post('/webhooks/ping')
    await expect
      .poll(() => json('/webhooks'), { timeout: 30_000 })
      .toMatchObject({ enabled: false, drops: 3 })
    expect((await post('/webhooks/enable')).text).toContain('The subscription is enabled')
    expect(bot.requests[0]?.path).toBe('/pagerduty/webhooks')
  })
})

describe('The control API says how to mend', () => {
  test.each([
    ['a missing service', '/page', {}, 400, 'Say service=…, for instance service=orders-svc'],
    [
      'an unknown service',
      '/page',
      { service: 'order-svc' },
      400,
      'There is no service order-svc: service= takes one of orders-svc, payments-svc.',
    ],
    [
      'an unknown person',
      '/page',
      { service: 'orders-svc', who: 'bob' },
      400,
      'There is no bob here: who= takes one of ana, ben, cho, dan, eve.',
    ],
    [
      'an unknown field',
      '/resolve',
      { servce: 'x' },
      400,
      'POST /resolve does not know servce=: it takes service=, by=.',
    ],
    [
      'a wrong urgency',
      '/page',
      { service: 'orders-svc', urgency: 'top' },
      400,
      'urgency=top is not known: say urgency=high or urgency=low.',
    ],
    [
      'an unknown incident',
      '/incidents/9/resolve',
      {},
      404,
      'There is no incident 9: GET /incidents lists them.',
    ],
    ['a merge of nothing', '/merge', {}, 400, 'Say incident=…, for instance incident=1'],
    [
      'an unknown failure',
      '/pagerduty/fail',
      { kind: 'flood' },
      400,
      'kind=flood is not known: say one of 403, 429, 500, 502, timeout, none.',
    ],
    [
      'a wrong order',
      '/webhooks/release',
      { order: 'random' },
      400,
      'order=random is not known: say one of sent, reversed.',
    ],
    ['a wrong number', '/webhooks/release', { late: 'soon' }, 400, 'late=soon is not known: say late=3'],
    ['nothing to resolve', '/resolve', { service: 'orders-svc' }, 409, 'orders-svc has no open incident.'],
    [
      'a command without its slash',
      '/slack',
      { as: 'ana', command: 'access' },
      400,
      'A command starts with a slash: say command=/access',
    ],
    [
      'an unknown channel',
      '/slack',
      { as: 'ana', channel: 'x' },
      404,
      'There is no channel x: the channels are inc-orders, inc-payments, general.',
    ],
    ['the wrong method', '/token', { who: 'ana' }, 405, '/token takes GET, not POST.'],
  ])('%s', async (_what, path, fields, status, text) => {
    expect(await post(path, fields)).toEqual({ status, text })
  })

  test('an incident that is over', async () => {
    await post('/page', { service: 'orders-svc' })
    await post('/incidents/1/resolve')
    const again = await post('/incidents/1/acknowledge', { by: 'ana' })
    expect(again).toEqual({ status: 409, text: 'PagerDuty says: Incident Already Resolved.' })
  })

  test('who is nobody, and what PagerDuty has against it', async () => {
    for (let count = 0; count < 2; count += 1) await post('/page', { service: 'orders-svc' })
    expect((await post('/incidents/1/resolve', { by: 'bob' })).text).toBe(
      'There is no bob here: by= takes one of ana, ben, cho, dan, eve, datadog, email, pagerduty.',
    )
    expect(await post('/reopen', { incident: '1' })).toEqual({
      status: 409,
      text: 'PagerDuty says: Invalid Input Provided: Incident is not resolved.',
    })
    expect((await post('/responder', { incident: '1', who: 'ben', by: 'datadog' })).text).toBe(
      'Only a person asks for help: say by=ana.',
    )
  })

  test('an unknown path, with what there is', async () => {
    const { status, text } = await get('/pages')
    expect(status).toBe(404)
    expect(text).toContain('There is no /pages. There is: POST /page, ')
    expect(text).not.toContain('\n')
  })
})

describe('A web page in somebody’s browser', () => {
  const statusOf = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(`${world.urls.control}/token?who=ana`, { headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      request.on('error', reject).end()
    })
  const own = () => new URL(world.urls.control)

  test.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example', '[::1]'])(
    'gets no token by the host name “%s”',
    async (host) => {
      expect(await statusOf({ host })).toBe(403)
    },
  )

  test.each(['https://evil.example', 'http://localhost:3000', 'null'])(
    'gets no token from the origin %s',
    async (origin) => {
      expect(await statusOf({ origin })).toBe(403)
    },
  )

  test('may call when it is the control API’s own', async () => {
    expect(await statusOf({ origin: own().origin })).toBe(200)
    expect(await statusOf({ host: `localhost:${own().port}` })).toBe(200)
  })
})
