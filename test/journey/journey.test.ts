import { createHmac, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { slackSignature } from '#infra/sandbox/slack/slash-command.ts'
import { channelNamed } from '#infra/sandbox/slack/workspace.ts'
import { call } from '../http-client.ts'
import { type Stack, startStack } from '../running-stack.ts'
import { startedAnew } from '../started-anew.ts'
import { checkAudit, checkTold } from './aftermath.ts'
import { runExpiry } from './expiry.ts'
import { type Round, runRound } from './round.ts'

let stack: Stack
/** How long a short pass lasts: all that is done under it must be done by then, however busy the machine is. */
const patientSeconds = 8
const violations: string[] = []
const violated = (what: string): void => void violations.push(what)

startedAnew(
  async () => {
    violations.length = 0
    stack = await startStack()
  },
  async () => {
    await stack?.stop()
  },
)

const slash = async (text: string, person = people.ben): Promise<string> => {
  const sent = await stack.world.slack.sendCommand(person, '/access', text)
  return sent.answer === undefined ? `(${sent.failure})` : messageText(sent.answer)
}

const channel = (name: string): string[] => {
  const found = channelNamed(name)
  return found === undefined ? [] : stack.world.slack.messagesIn(found).map(messageText)
}

const eventually = async (holds: () => boolean): Promise<void> => {
  for (let attempt = 0; attempt < 2_400 && !holds(); attempt += 1)
    await new Promise((resolve) => setTimeout(resolve, 25))
  expect(holds()).toBe(true)
}

const page = (
  assignTo: string,
  by: Parameters<Stack['world']['pagerduty']['incidents']['trigger']>[0]['by'] | undefined = undefined,
) => {
  const service = serviceWithId('PORDERS')
  if (service === undefined) throw new Error('the sandbox lost a service')
  return stack.world.pagerduty.incidents.trigger({
    service,
    title: `page ${randomUUID()}`,
    urgency: 'high',
    assignTo,
    by: by ?? { kind: 'integration', id: 'PIDATADOG', service: 'PORDERS' },
  })
}

const canRead = async (person: (typeof people)[keyof typeof people]): Promise<number> => {
  const token = await stack.world.idp.tokenFor(person)
  return (await call({ port: stack.ports.proxy, host: 'orders-svc.localhost', path: '/v1/orders', token }))
    .status
}

describe('the way of a page', () => {
  test('from webhook to summary, offered and at once, with every step as promised', async () => {
    const rounds: Round[] = []
    for (const number of [1, 2, 3]) rounds.push(await runRound(stack, number, violated, patientSeconds))
    await checkTold(stack, rounds, violated)
    await checkAudit(stack, violated)
    expect(violations).toEqual([])
  }, 300_000)

  test('a restarted bot, workers and proxy find the passes that were there', async () => {
    expect(await slash('grant orders-svc 1h because restart')).toContain('You have a pass')
    for (const part of ['bot', 'workers', 'proxy'] as const) await stack.stopPart(part)
    for (const part of ['workers', 'bot', 'proxy'] as const) await stack.start(part)
    expect(await slash('list')).toContain('because restart')
    expect(await canRead(people.ben)).toBe(200)
    expect(await slash('revoke orders-svc')).toContain('1 of 1 proxy confirmed')
    expect(await canRead(people.ben)).toBe(403)
  }, 180_000)
})

describe('what a page does not give', () => {
  test('a paged person whom the directory does not know: a line in the channel, no grant', async () => {
    const { title } = page(people.dan.pagerduty.user)
    await eventually(() =>
      channel('inc-orders').some((text) => text.includes(title) && text.includes('Dan Weiss')),
    )
    expect(channel('inc-orders').find((text) => text.includes(title))).toContain('got no pass')
    expect(await canRead(people.dan)).toBe(403)
  })

  test('whoever set the incident off gets nothing automatic from it', async () => {
    const { title } = page(people.cho.pagerduty.user, { kind: 'user', id: people.cho.pagerduty.user })
    await eventually(() =>
      channel('inc-orders').some((text) => text.includes(title) && text.includes('set off this incident')),
    )
    expect(await canRead(people.cho)).toBe(403)
  })

  test('whoever reassigns an incident to themself gets nothing automatic from it', async () => {
    const { id, title } = page(people.dan.pagerduty.user)
    await eventually(() => channel('inc-orders').some((text) => text.includes(title)))
    stack.world.pagerduty.incidents.reassign(id, [people.cho.pagerduty.user], {
      kind: 'user',
      id: people.cho.pagerduty.user,
    })
    await eventually(() =>
      channel('inc-orders').some((text) => text.includes(title) && text.includes('Cho Park')),
    )
    expect(channel('inc-orders').findLast((text) => text.includes(title))).toContain('set off this incident')
    expect(await canRead(people.cho)).toBe(403)
  })

  test('an incident that comes back after its pass was revoked is not met with silence', async () => {
    const { id, title } = page(people.cho.pagerduty.user)
    await eventually(() => channel('inc-orders').some((text) => text.includes(title)))
    expect(await slash('revoke orders-svc', people.cho)).toContain('Revoked')
    stack.world.pagerduty.incidents.acknowledge(id, people.cho.pagerduty.user)
    await eventually(() =>
      channel('inc-orders').some((text) => text.includes(title) && text.includes('has ended already')),
    )
    expect(await canRead(people.cho)).toBe(403)
  })

  test('an integration that is not trusted gives nothing automatic', async () => {
    const { title } = page(people.cho.pagerduty.user, {
      kind: 'integration',
      id: 'PIEMAIL01',
      service: 'PORDERS',
    })
    await eventually(() =>
      channel('inc-orders').some((text) => text.includes(title) && text.includes('not among the trusted')),
    )
    expect(await canRead(people.cho)).toBe(403)
  })

  test('the same webhook delivered again gives no second pass', async () => {
    const { title } = page(people.cho.pagerduty.user)
    await eventually(() => channel('inc-orders').some((text) => text.includes(title)))
    const delivery = stack.world.pagerduty.webhooks.deliveries().at(-1)
    if (delivery === undefined) throw new Error('nothing was delivered')
    stack.world.pagerduty.webhooks.repeat(delivery.webhookId)
    await eventually(() => stack.world.pagerduty.webhooks.status().waiting === 0)
    const listed = (await slash('list', people.cho)).split('\n').filter((line) => line.includes(title))
    expect(listed).toHaveLength(1)
    expect(await slash('revoke orders-svc', people.cho)).toContain('Revoked')
  })
})

describe('bad input', () => {
  const webhook = async (body: string, signature: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${stack.ports.bot}/pagerduty/webhooks`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'x-pagerduty-signature': signature,
        'x-webhook-id': randomUUID(),
      },
    })
    return response.status
  }

  test.each([
    ['unsigned', () => ''],
    [
      'signed with another secret',
      (body: string) => `v1=${createHmac('sha256', 'x'.repeat(40)).update(body).digest('hex')}`,
    ],
    [
      'with a signature of another body',
      (_: string, secret: string) => `v1=${createHmac('sha256', secret).update('{}').digest('hex')}`,
    ],
  ])('a webhook %s is taken with 202 and changes nothing', async (_, sign) => {
    const body = JSON.stringify({
      event: {
        id: 'E1',
        event_type: 'incident.triggered',
        resource_type: 'incident',
        data: { id: 'PFORGED1', type: 'incident' },
      },
    })
    expect(await webhook(body, sign(body, stack.secrets.pagerdutyWebhookSecret))).toBe(202)
    expect(stack.log('bot')).toContain('a webhook was quarantined')
    expect(stack.log('bot')).not.toContain('PFORGED1')
  })

  test.each([
    ['unsigned', 0, (_: string) => ''],
    ['signed with another secret', 0, () => 'y'.repeat(40)],
    ['signed ten minutes ago', -600, (secret: string) => secret],
    ['signed ten minutes ahead', 600, (secret: string) => secret],
  ])('a slash command %s is refused with 401', async (_, offset, secretOf) => {
    const body = new URLSearchParams({
      command: '/access',
      text: 'grant orders-svc 2h',
      team_id: people.eve.slack.team,
      user_id: people.ben.slack.user,
    }).toString()
    const timestamp = Math.floor(Date.now() / 1_000) + offset
    const secret = secretOf(stack.secrets.slackSigningSecret)
    const response = await fetch(`http://127.0.0.1:${stack.ports.bot}/slack/events`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': String(timestamp),
        ...(secret === '' ? {} : { 'x-slack-signature': slackSignature(secret, timestamp, body) }),
      },
    })
    expect(response.status).toBe(401)
    expect(await slash('list')).toContain('You have no passes')
  })

  test.each([
    ['grant nosuch 2h', ['There is no service `nosuch`']],
    ['grant order-svc 2h', ['Did you mean `/access grant orders-svc 2h`']],
    ['grant orders-svc 2 fortnights', ['“2 fortnights” is not a duration', '`/access grant orders-svc 2h`']],
    ['frobnicate', ['“frobnicate” is not something I do', '`/access help`']],
    ['grnat orders-svc 2h', ['Try `/access grant orders-svc 2h`']],
    ['grant orders-svc 20h', ['lasts 8h at most', '`/access grant orders-svc 8h`']],
    ['grant orders-svc 1h operate', ['needs a reason', 'because …']],
    [
      'grant orders-svc 1h oprate because x',
      ['Did you mean `/access grant orders-svc 1h operate because x`'],
    ],
    [
      'grant orders-svc 2h admin because x',
      ['lasts 1h at most', '`/access grant orders-svc 1h admin because x`'],
    ],
    ['extend orders-svc', ['There is no such pass']],
    ['extend orders-svc soon', ['“soon” is not a duration', '`/access extend orders-svc 30m`']],
    ['revoke 0000-0000-0000', ['There is no such pass']],
    ['', ['Pagepass', '/access list']],
  ])('/access %s gets a helpful private answer', async (text, parts) => {
    const answer = await slash(text)
    for (const part of parts) expect(answer).toContain(part)
  })

  test('somebody whom the directory does not know is told so', async () => {
    expect(await slash('grant orders-svc 1h', people.dan)).toContain('not linked')
  })

  test('somebody whom no rule lets ask is refused', async () => {
    expect(await slash('grant orders-svc 1h', people.eve)).toContain('The rules do not let you ask for this')
  })

  test('asking twice for the same gives one pass', async () => {
    expect(await slash('grant payments-svc 1h because twice')).toContain('You have a pass')
    await slash('grant payments-svc 1h because twice')
    expect((await slash('list')).match(/because twice/g)).toHaveLength(1)
    expect(await slash('revoke payments-svc')).toContain('Revoked')
  })

  test('nobody revokes the pass of another, unless they own the service', async () => {
    const pass = /`([0-9a-z-]{14})`/.exec(await slash('grant orders-svc 1h because mine'))?.[1] ?? ''
    expect(await slash(`revoke ${pass}`, people.eve)).toContain('somebody else’s')
    expect(await slash(`revoke ${pass}`, people.ana)).toContain('Revoked')
  })
})

// Last, because it stops the workers.
test('with the workers stopped a pass still ends on time, and its open stream with it', async () => {
  await stack.stopPart('workers')
  const late = await runExpiry(stack, violated, patientSeconds)
  expect(violations).toEqual([])
  expect(late).toBeGreaterThanOrEqual(-1)
}, 120_000)
