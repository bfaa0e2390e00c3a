import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { decodeJwt } from 'jose'
import { loadKeys } from '#access/adapters/keys.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements, readUnverified } from '#access/adapters/statements.ts'
import { causeOfRevoking } from '#access/domain/grant-transitions.ts'
import { startIdp } from '#infra/sandbox/idp/idp.ts'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { createPagerDuty } from '#infra/sandbox/pagerduty/pagerduty.ts'
import { type Person, people } from '#infra/sandbox/people.ts'
import { createService } from '#infra/sandbox/services/service.ts'
import type { Message } from '#infra/sandbox/slack/messages.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { createSlack } from '#infra/sandbox/slack/slack.ts'
import { dmWith } from '#infra/sandbox/slack/workspace.ts'
import { type PartName, type Ports, partNames, prepareFolder, startPart } from '#infra/sandbox/stack.ts'
import type { StartedProcess } from '#infra/sandbox/start/processes.ts'
import { freePorts } from '../../free-ports.ts'
import { patiently } from '../fleet/patiently.ts'
import { startRelay } from '../fleet/relay.ts'
import type { Ground } from '../fleet/with-redis.ts'
import type { Part } from './judge.ts'

export const whenStaleMs = 6_000
/** Longer than anybody waits for a command, and shorter than a connection is kept that says nothing. */
const slowMs = 2_000

export const ways = ['silent', 'closed', 'slow'] as const
export type Way = (typeof ways)[number]

const rulesText = ({ idp, orders, payments }: Ports): string => `
version: 1
environment: sandbox
domain: localhost
identity: { issuer: http://127.0.0.1:${idp}, audience: pagepass }
people:
  sre: { groups: [sre] }
  payments: { groups: [team-payments] }
tiers:
  observe: { longest: 8h, rate: 900000/s, when_stale: ${whenStaleMs / 1_000}s }
  operate: { longest: 2h, rate: 900000/s, when_stale: 3s, reason: required }
  admin: { longest: 1h, rate: 900000/s, when_stale: 3s, reason: required, approvals: { count: 1, from: [sre] } }
profiles:
  web: { tiers: { observe: [GET /v1/**], operate: [POST /v1/**, PUT /v1/**], admin: [DELETE /v1/**] } }
services:
  orders-svc:
    profile: web
    releases: { only: http://127.0.0.1:${orders} }
    serve: only
    pagerduty: [PORDERS]
    trusted_triggers: [PIDATADOG]
    channel: "#inc-orders"
    owners: [payments]
  payments-svc:
    profile: web
    releases: { only: http://127.0.0.1:${payments} }
    serve: only
    channel: "#inc-payments"
    owners: [payments]
on_page:
  - { services: [orders-svc], who: [payments], give: operate, levels: any, how: auto, for: 1h, cap: 8h }
on_request:
  - { who: [sre, payments], tiers: [observe, operate], how: at once }
  - { who: [payments], tiers: [admin], how: approval }
standing:
  - { from: payments, to: payments-svc, allow: [GET /status/*], rate: 900000/s }
paging: { per_day: 100000 }
`

/** Bot, workers and proxy as real processes, and each of what they need can be taken away. */
export const startScene = async ({ folder, redis, ends }: Ground) => {
  const ports = await freePorts()
  const prepared = await prepareFolder(folder, ports)
  await writeFile(prepared.rules, rulesText(ports))
  const { secrets, keys } = prepared
  const botUrl = `http://127.0.0.1:${ports.bot}`
  const idpState = { stateFile: join(folder, 'sandbox', 'idp.json') }
  let idp: Awaited<ReturnType<typeof startIdp>> | undefined = await startIdp(idpState, ports.idp)
  ends(() => idp?.close())
  const slack = createSlack({
    botToken: secrets.slackBotToken,
    signingSecret: secrets.slackSigningSecret,
    bot: { eventsUrl: `${botUrl}/slack/events` },
  })
  await slack.listen(0)
  ends(slack.close)
  const pagerDuty = createPagerDuty({
    token: secrets.pagerdutyToken,
    webhook: { url: `${botUrl}/pagerduty/webhooks`, secret: secrets.pagerdutyWebhookSecret },
  })
  const pagerDutyAt = await pagerDuty.listen(0)
  ends(pagerDuty.close)
  ends(pagerDuty.webhooks.close)
  for (const service of ['orders', 'payments'] as const) {
    const created = createService(`${service}-svc`)
    await created.listen(ports[service])
    ends(created.close)
  }
  const relays = {
    redis: await startRelay(redis.url),
    slack: await startRelay(slack.apiUrl()),
    pagerduty: await startRelay(pagerDutyAt.url),
  }
  ends(() => Object.values(relays).forEach((relay) => void relay.close()))
  const apis = { SLACK_API_URL: relays.slack.url, PAGERDUTY_API_URL: relays.pagerduty.url.replace(/\/$/, '') }
  const running = new Map<PartName, StartedProcess>()
  const startOne = async (name: PartName): Promise<void> => {
    running.set(name, await startPart(name, prepared, relays.redis.url, name === 'proxy' ? {} : apis))
  }
  for (const name of partNames) {
    await startOne(name)
    ends(async () => {
      signal(name, 'SIGCONT')
      await running.get(name)?.stop(2_000)
    })
  }
  const signal = (name: PartName, what: NodeJS.Signals): void => {
    const { pid } = running.get(name) ?? {}
    if (pid !== undefined) process.kill(pid, what)
  }
  const killed = new Set<PartName>()
  const setPart = async (name: 'bot' | 'workers', isUp: boolean, frozen: boolean): Promise<void> => {
    if (isUp && killed.delete(name)) return startOne(name)
    if (isUp || frozen) return signal(name, isUp ? 'SIGCONT' : 'SIGSTOP')
    killed.add(name)
    signal(name, 'SIGKILL')
    await running.get(name)?.exited
    running.delete(name)
  }

  /** What a part says of itself; undefined where it does not answer. */
  const told = async (name: PartName): Promise<Record<string, unknown> | undefined> => {
    const url = `http://127.0.0.1:${ports[`${name} admin`]}/readyz`
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) })
      return (await answer.json()) as Record<string, unknown>
    } catch {
      return undefined
    }
  }
  const modeOfProxy = async (): Promise<string | undefined> => {
    const { processes } = ((await told('proxy')) ?? {}) as { processes?: readonly { mode?: string }[] }
    return processes?.[0]?.mode
  }

  const direct = new Redis(redis.url)
  ends(() => direct.disconnect())
  const statements = createStatements(await loadKeys(join(keys, 'bot'), 'bot', 'sandbox'))
  const store = createGrantStore(direct, statements, { now: Date.now }, 'degraded')

  return {
    port: ports.proxy,
    slack,
    pagerDuty,
    modeOfProxy,
    tokenOf: async (person: Person): Promise<string> => {
      if (idp === undefined) throw new Error('the identity provider is down')
      return idp.tokenFor(person)
    },
    /**
     * Takes a part away, or brings it back. `silent`: connections are kept and nothing is said, bot and workers are frozen;
     * otherwise connections break, and they are killed. `slow` is the same, but for Redis, whose answers come far too late.
     */
    set: async (part: Part, isUp: boolean, way: Way = 'closed'): Promise<void> => {
      if (part === 'bot' || part === 'workers') return setPart(part, isUp, way === 'silent')
      if (part === 'redis' && (isUp || way === 'slow')) {
        // What is still under way is not to come between what goes at once.
        relays.redis.set('closed')
        relays.redis.delayReplies(isUp ? 0 : slowMs)
        return relays.redis.set('open')
      }
      if (part !== 'idp') return relays[part].set(isUp ? 'open' : way === 'silent' ? 'silent' : 'closed')
      if (isUp) idp ??= await startIdp(idpState, ports.idp)
      else {
        await idp?.close()
        idp = undefined
      }
    },
    untilHealthy: (): Promise<void> =>
      patiently(async () => {
        const [bot, workers, mode] = await Promise.all([told('bot'), told('workers'), modeOfProxy()])
        return bot?.['mode'] === 'in step' && workers?.['mode'] === 'in step' && mode === 'in step'
      }, 'everything to be in step'),
    /** What the bot answers to a command; undefined where Slack had none, or an error of HTTP to show. */
    say: async (person: Person, text: string): Promise<string | undefined> => {
      const { answer } = await slack.sendCommand(person, '/access', text)
      return answer === undefined ? undefined : messageText(answer)
    },
    /** Whoever has the key for it locks them out. */
    lockOut: async ({ subject }: Person): Promise<void> => {
      const own = await loadKeys(join(keys, 'responder'), 'responder', 'sandbox')
      const order = { environment: 'sandbox', subject, because: 'gone', at: Date.now() }
      const body = await createStatements(own).sign('lock-order', order)
      const { status } = await fetch(`${botUrl}/api/v1/locks`, { method: 'POST', body })
      if (status !== 200) throw new Error(`the order to lock was answered ${status}`)
    },
    /** Asks for what needs an approval; resolves when it was put before who may give it, who can click then. */
    askForApproval: async (who: Person, approver: Person, service: string, because: string) => {
      const question = (): Message | undefined => {
        const direct = dmWith(approver.slack.user)
        return direct === undefined
          ? undefined
          : slack.messagesIn(direct).findLast((message) => {
              const text = messageText(message)
              return text.includes(because) && text.includes(service) && text.includes('[Approve]')
            })
      }
      await slack.sendCommand(who, '/access', `grant ${service} 1h admin because ${because}`)
      await patiently(async () => question() !== undefined, `${approver.name} to be asked`)
      return async (): Promise<void> => {
        const asked = question()
        if (asked !== undefined) await slack.click(approver, asked, 'approve').catch(() => undefined)
      }
    },
    /** Ana is paged. Call the answer to resolve it. */
    page: (): (() => void) => {
      const service = serviceWithId('PORDERS')
      if (service === undefined) throw new Error('the sandbox has no such service')
      const by = { kind: 'integration', id: 'PIDATADOG', service: service.id } as const
      const assignTo = people.ana.pagerduty.user
      const { id } = pagerDuty.incidents.trigger({ service, title: 'orders are stuck', by, assignTo })
      return () => void pagerDuty.incidents.resolve(id, { kind: 'user', id: people.ana.pagerduty.user })
    },
    /** When the newest head was signed that is no newer than this. */
    lastHeadAt: async (before: number): Promise<number> => {
      const entries = await direct.xrevrange(names.heads, '+', '-', 'COUNT', 20)
      const signed = entries.map(([, fields]) => Number(decodeJwt(fields[1] ?? '')['at']))
      return Math.max(...signed.filter((one) => one <= before))
    },
    /** Ends whatever lives, or what others hold than this one. */
    endAll: async (but?: Person): Promise<void> => {
      for (const statement of await direct.hvals(names.live)) {
        const grant = readUnverified('grant', statement)
        if (grant.who.subject !== but?.subject) await store.end(grant, causeOfRevoking(grant, Date.now()))
      }
    },
  }
}
export type Scene = Awaited<ReturnType<typeof startScene>>
