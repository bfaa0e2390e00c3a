import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { App, LogLevel } from '@slack/bolt'
import { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { createProviderKeys } from '#access/adapters/identity/provider-keys.ts'
import { verifySignIn } from '#access/adapters/identity/verify-sign-in.ts'
import type { Keys } from '#access/adapters/keys.ts'
import { createIncidents } from '#access/adapters/pagerduty/incidents.ts'
import {
  type IncidentJob,
  type MessageJob,
  openQueue,
  queueNames,
  takeOptions,
} from '#access/adapters/queues.ts'
import { createGlassReviews } from '#access/adapters/redis/glass-reviews.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createPagedPasses } from '#access/adapters/redis/paged-passes.ts'
import { followReceipts } from '#access/adapters/redis/receipts.ts'
import { createReplicated, type Replicated } from '#access/adapters/redis/replicated.ts'
import { createSeen } from '#access/adapters/redis/seen.ts'
import { createSlackGroups } from '#access/adapters/slack/groups.ts'
import type { Deactivated } from '#access/domain/directory-file.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { unservedMessage } from '#access/messages/unserved.ts'
import { followIncident } from '#access/operations/follow-incident.ts'
import { takeSignIn } from '#access/operations/take-sign-in.ts'
import { withoutLocked } from '#access/operations/without-locked.ts'
import type { Clock, Directory, NewNonce, Receipts, SignIns, VerifySignIn } from '#access/ports.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import type { RevocationFiles } from '#access/runtime/keep-revocations.ts'
import { listen } from '#access/runtime/listen.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { watchInactive } from '#access/runtime/watch-inactive.ts'
import { readClick } from './actions/read-click.ts'
import { runClick } from './actions/run-click.ts'
import { createAnnounceGlass } from './announce-glass.ts'
import { runAccessCommand } from './commands/access-command.ts'
import { createInTurn } from './commands/in-turn.ts'
import type { BotConfig } from './config.ts'
import { failedAnswer } from './failed-answer.ts'
import { createKeyOrders } from './key-orders.ts'
import { createLockOrders } from './lock-orders.ts'
import { confirmedIncidents } from './pagerduty/confirmed-incidents.ts'
import { readIncidentJob } from './pagerduty/incident-job.ts'
import { createWebhook } from './pagerduty/webhook.ts'
import { startReconciling } from './reconcile.ts'
import { createSlackReceiver } from './slack/receiver.ts'

export type BotParts = {
  readonly config: BotConfig
  readonly rules: RuleSet
  readonly keys: Keys
  readonly directory: Directory
  /** Who is to be locked out, because the directory says that they are not active. */
  readonly deactivated?: () => Deactivated
  /** Where this process keeps which keys were revoked. */
  readonly revocationFiles?: RevocationFiles
  /** Where people sign in anew. Without it nobody breaks the glass here, nor approves what demands a sign-in. */
  readonly signIns?: SignIns | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Connections: one for commands, and one each for what blocks. */
  readonly prompt: Redis
  readonly patient: () => Redis
  /** How often what PagerDuty has is compared with what stands. */
  readonly reconcileEveryMs?: number
}

const unposted = 'the answer to a click could not be posted'
const endNotWritten = 'a lost end could not be written again'
/** Nobody is told again for so long that a paged person got no pass of an incident. */
const unservedForSeconds = 7 * 86_400
/** Slack waits 3 s for an answer and PagerDuty 5: whoever sends slower than this is neither. */
const sentWithinMs = 6_000

/** A whole bot, started. It keeps nothing that Redis does not have, so any number of them may run. */
export const startBot = async (parts: BotParts) => {
  const { config, rules, keys, clock, log, prompt, patient } = parts
  const alarm = (what: string, facts: Record<string, unknown>) => log.error(facts, what)
  const grants = await keepGrants({
    prompt,
    patient: patient(),
    keys,
    clock,
    alarm,
    instance: `bot-${config.PAGEPASS_INSTANCE}`,
    production: config.PAGEPASS_MODE === 'production',
    lift: rules.lock?.lift,
    revocationFiles: parts.revocationFiles,
  })
  const { live, locks, lockStore, store } = grants
  const directory = withoutLocked(parts.directory, locks)
  const reports = followReceipts(
    prompt,
    patient(),
    grants.statements,
    longestStale(rules),
    alarm,
    (statement) => {
      grants.endAgain(statement).catch((error: Error) => alarm(endNotWritten, { error: error.message }))
    },
    (statement) => void grants.lockAgain(statement),
  )
  const { REDIS_REPLICAS: replicas = 0 } = config
  const replicated = replicas === 0 ? undefined : createReplicated(patient(), replicas)
  const receipts = withReplicas(reports.receipts, replicated)
  const messages = openQueue<MessageJob>(queueNames.messages, prompt)
  const incidentQueue = openQueue<IncidentJob>(queueNames.incidents, prompt)

  const newNonce: NewNonce = () => randomBytes(24).toString('base64url')
  const lockParts = { environment: rules.environment, live, locks, lockStore, store, clock, newNonce }
  const glassParts = {
    signIns: parts.signIns,
    reviews: createGlassReviews(prompt, grants.statements, rules.environment, clock),
    announce: createAnnounceGlass({ rules, directory, messages, clock }),
  }
  const inactive =
    parts.deactivated &&
    watchInactive(lockParts, parts.deactivated, () => grants.waitingFor().length === 0, alarm)
  const withLevels = rules.onPage.some(({ levels }) => levels !== undefined)
  const providerKeys = createProviderKeys(rules.identity.issuer, clock.now, () => undefined)
  const verify: VerifySignIn = (token, demand) => verifySignIn(token, demand, providerKeys)
  const approving = { ...lockParts, rules, directory, signIns: parts.signIns, verifySignIn: verify }
  const incidents = confirmedIncidents(
    createIncidents(config.PAGERDUTY_API_URL, config.PAGERDUTY_TOKEN, { withLevels, now: clock.now }),
    log,
  )

  const incidentWorker = new Worker<unknown>(
    queueNames.incidents,
    (job) => {
      const { incident: followed, used } = readIncidentJob(job.data)
      return followIncident(
        {
          rules,
          directory,
          live,
          store,
          clock,
          incidents,
          newNonce,
          pagedPasses: createPagedPasses(prompt),
          tellUnserved: async ({ incident, service, user, name, reason }) => {
            log.warn({ incident: incident.id, user, reason }, 'a paged person got no pass')
            const text = unservedMessage({
              incident,
              service: service.name,
              name,
              reason,
              command: config.SLACK_COMMAND,
              byShift: incident.paged.some((one) => one.user === user && one.shift !== undefined),
            })
            const once = `unserved-${incident.id}-${service.name}-${user}-${reason}`
            // An incident may stay open for days, and is followed again and again.
            if ((await prompt.set(names.seen(once), '1', 'EX', unservedForSeconds, 'XX')) === 'OK') return
            await messages.add(
              'unserved',
              { kind: 'notice', to: { channel: service.channel }, text },
              { jobId: once },
            )
            await prompt.set(names.seen(once), '1', 'EX', unservedForSeconds)
          },
        },
        followed,
        used,
      )
    },
    { ...takeOptions, connection: patient(), concurrency: 16 },
  )
  incidentWorker.on('failed', (job, error) =>
    log.error({ job: job?.id, error: error.message }, 'an incident could not be followed'),
  )
  incidentWorker.on('error', (error) => log.warn({ error: error.message }, 'the incident queue'))

  const reconciling = startReconciling({
    rules,
    directory,
    live,
    clock,
    follow: async (incident, mark) => {
      await incidentQueue.add('reconciled', { incident }, { jobId: `reconciled-${incident}-${mark}` })
    },
    redis: prompt,
    messages,
    channel: config.SLACK_ALARM_CHANNEL,
    alarm,
    api: { url: config.PAGERDUTY_API_URL, token: config.PAGERDUTY_TOKEN },
    statements: grants.statements,
    confirmations: grants.confirmations,
    holder: `bot-${config.PAGEPASS_INSTANCE}-${randomBytes(6).toString('hex')}`,
    log,
    ...(parts.reconcileEveryMs === undefined ? {} : { everyMs: parts.reconcileEveryMs }),
  })

  const slack = createSlackReceiver({
    signingSecrets: config.SLACK_SIGNING_SECRET,
    seen: createSeen(prompt, () => randomBytes(12).toString('base64url')),
    clickPutOff: (body, error) => {
      const { click, channel } = readClick(body) ?? {}
      if (click === undefined || channel === undefined) return
      const answer = { channel, user: click.user, text: failedAnswer(error) }
      app.client.chat
        .postEphemeral({ token: config.SLACK_BOT_TOKEN, ...answer })
        .catch((failed: Error) => log.warn({ error: failed.message }, unposted))
    },
    now: clock.now,
    log,
  })
  const app = new App({
    receiver: slack.receiver,
    authorize: async () => ({ botToken: config.SLACK_BOT_TOKEN }),
    logLevel: LogLevel.ERROR,
    clientOptions: { slackApiUrl: config.SLACK_API_URL, timeout: 5_000, rejectRateLimitedCalls: true },
  })
  app.action({ type: 'block_actions' }, async ({ body, ack, client }) => {
    const read = readClick(body)
    if (read === undefined) {
      log.warn({ reason: 'button-unknown', user: body.user?.id }, 'a click on nothing of ours')
      return ack()
    }
    const { click, channel } = read
    const text = await runClick({ ...approving, ...glassParts, incidents, receipts, log }, click)
    await ack()
    if (text === undefined || channel === undefined) return
    await client.chat.postEphemeral({ channel, user: click.user, text }).catch((error: Error) => {
      log.warn({ error: error.message }, unposted)
    })
  })
  const inTurn = createInTurn()
  const groups = createSlackGroups(config.SLACK_API_URL, config.SLACK_BOT_TOKEN)
  const lookAgain = async (incident: string): Promise<void> => {
    await incidentQueue.add('command', { incident })
  }
  app.command(config.SLACK_COMMAND, async ({ command, ack }) => {
    const asked = {
      command: config.SLACK_COMMAND,
      text: command.text ?? '',
      team: command.team_id,
      user: command.user_id,
    }
    await ack({
      response_type: 'ephemeral',
      text: await runAccessCommand(
        {
          ...lockParts,
          ...glassParts,
          rules,
          directory,
          incidents,
          groups,
          lookAgain,
          receipts,
          log,
          inTurn,
        },
        asked,
      ),
    })
  })

  const webhook = createWebhook({
    webhookSecrets: config.PAGERDUTY_WEBHOOK_SECRET,
    store: async (incident, event) => {
      await incidentQueue.add('incident', { incident }, { jobId: `event-${event}` })
    },
    log,
    now: clock.now,
  })

  const lockOrders = createLockOrders({
    ...lockParts,
    rules,
    directory: parts.directory,
    receipts,
    statements: grants.statements,
    log,
  })
  const keyOrders = createKeyOrders({
    grants,
    keys,
    statements: grants.statements,
    live,
    receipts,
    clock,
    log,
  })
  const limits = {
    requestTimeout: sentWithinMs,
    headersTimeout: sentWithinMs,
    connectionsCheckingInterval: 1_000,
  }
  const server = createServer(limits, (request, response) => {
    const path = request.url?.split('?')[0]
    if (request.method !== 'POST') response.writeHead(405, { allow: 'POST' }).end()
    else if (path === '/slack/events') slack.handle(request, response)
    else if (path === '/pagerduty/webhooks') webhook(request, response)
    else if (path === '/api/v1/locks') lockOrders(request, response)
    else if (path === '/api/v1/key-revocations') keyOrders(request, response, false)
    else if (path === '/api/v1/key-revocations/question') keyOrders(request, response, true)
    else response.writeHead(404).end()
  })
  server.maxConnections = 1_000
  const listening = await listen(server, config.PAGEPASS_BOT_LISTEN)

  return {
    port: listening.port,
    waitingFor: grants.waitingFor,
    mode: grants.mode,
    /** For readiness and Prometheus. */
    facts: reconciling.facts,
    measure: reconciling.measure,
    /** Somebody has signed in anew to approve something, or to break the glass: their ID token says who and what. */
    signedIn: (token: string) => takeSignIn({ ...approving, ...glassParts }, token),
    stop: async (): Promise<void> => {
      await listening.close(3_000)
      await reconciling.stop()
      await incidentWorker.close()
      await reports.stop()
      replicated?.stop()
      await inactive?.stop()
      await grants.stop()
      await Promise.all([messages.close(), incidentQueue.close()])
    },
  }
}

/** How long a proxy that is cut off may go on with what it knows. */
const longestStale = (rules: RuleSet): number =>
  Math.max(...[...rules.services.values()].flatMap(({ tiers }) => tiers.map(({ whenStale }) => whenStale)))

/** Where replicas are demanded, a receipt tells whether they have the event too. */
const withReplicas = (receipts: Receipts, replicated: Replicated | undefined): Receipts =>
  replicated === undefined
    ? receipts
    : {
        of: async (sequence, grant) => {
          const [receipt, reached] = await Promise.all([
            receipts.of(sequence, grant),
            replicated.reached(sequence),
          ])
          return { ...receipt, replicated: reached }
        },
      }
