import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { webApi } from '@slack/bolt'
import { type Processor, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { openAuditLog } from '#access/adapters/audit-log.ts'
import { endsInAudit } from '#access/adapters/ends-in-audit.ts'
import type { Keys } from '#access/adapters/keys.ts'
import { locksInAudit } from '#access/adapters/locks-in-audit.ts'
import { createNotes } from '#access/adapters/pagerduty/notes.ts'
import {
  type BeginningJob,
  type ExpiryJob,
  type IncidentJob,
  type MessageJob,
  type NoteJob,
  openQueue,
  type QuestionJob,
  type QueueName,
  queueNames,
  type ReminderJob,
  type SummaryJob,
  takeOptions,
} from '#access/adapters/queues.ts'
import { readJob, UnfitJob } from '#access/adapters/read-job.ts'
import { createCards } from '#access/adapters/redis/cards.ts'
import { consumeStream } from '#access/adapters/redis/consume-stream.ts'
import { createFleet } from '#access/adapters/redis/fleet.ts'
import { readEnded } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createOccasions } from '#access/adapters/redis/occasions.ts'
import { createOwed } from '#access/adapters/redis/owed.ts'
import { provenReports } from '#access/adapters/redis/reports.ts'
import { createTurns } from '#access/adapters/redis/turns.ts'
import { createUsageStore } from '#access/adapters/redis/usage-store.ts'
import { auditLine, clip } from '#access/domain/audit-record.ts'
import type { Deactivated } from '#access/domain/directory-file.ts'
import { grantShape } from '#access/domain/grant.ts'
import type { Report } from '#access/domain/report.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { beginGrant } from '#access/operations/begin-grant.ts'
import { endBefore } from '#access/operations/end-handed-over.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { withoutLocked } from '#access/operations/without-locked.ts'
import type { Clock, Directory, NewNonce } from '#access/ports.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import type { RevocationFiles } from '#access/runtime/keep-revocations.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { watchInactive } from '#access/runtime/watch-inactive.ts'
import { createAnnounceGlass } from './announce-glass.ts'
import type { WorkersConfig } from './config.ts'
import { createDeriveJobs } from './derive-jobs.ts'
import { askAgain } from './jobs/ask-again.ts'
import { remind } from './jobs/remind.ts'
import { sumUp } from './jobs/sum-up.ts'
import { deliverMessage } from './outbox/deliver-message.ts'
import { deliverNote } from './outbox/deliver-note.ts'
import { addOwing, settling } from './outbox/keep-owed.ts'
import { putOffUntil } from './outbox/put-off.ts'
import { createRenderCard } from './outbox/render-card.ts'
import { createTell } from './outbox/tell.ts'
import { startReconcilingJobs } from './reconcile-jobs.ts'
import { createShiftUsed } from './shift-used.ts'
import { createShowNarrowed } from './show-narrowed.ts'

export type WorkersParts = {
  readonly config: WorkersConfig
  readonly rules: RuleSet
  readonly keys: Keys
  readonly directory: Directory
  /** Who is to be locked out, because the directory says that they are not active. */
  readonly deactivated?: () => Deactivated
  /** Where this process keeps which keys were revoked. */
  readonly revocationFiles?: RevocationFiles
  readonly clock: Clock
  readonly log: Logger
  readonly auditFolder: string
  readonly prompt: Redis
  readonly patient: () => Redis
  /** How often what jobs should have done is looked for. */
  readonly reconcileEveryMs?: number
}

const expiryShape = z.object({ grant: grantShape.shape.id })

/** The workers, started. Whatever they do may happen twice, late or never without letting anybody in. */
export const startWorkers = async (parts: WorkersParts) => {
  const { config, rules, keys, clock, log, prompt, patient } = parts
  const alarm = (what: string, facts: Record<string, unknown>) => log.error(facts, what)
  const instance = config.PAGEPASS_INSTANCE
  const auditFile = join(parts.auditFolder, `workers-${instance}.jsonl`)
  const grants = await keepGrants({
    prompt,
    patient: patient(),
    keys,
    clock,
    alarm,
    instance: `workers-${instance}`,
    production: config.PAGEPASS_MODE === 'production',
    endsKnown: (ids) => endsInAudit(auditFile, ids),
    locksKnown: () => locksInAudit(auditFile),
    lift: rules.lock?.lift,
    revocationFiles: parts.revocationFiles,
  })
  const { live, locks, lockStore, store, statements } = grants
  const directory = withoutLocked(parts.directory, locks)
  const newNonce: NewNonce = () => randomBytes(24).toString('base64url')
  const lockParts = { environment: rules.environment, live, locks, lockStore, store, clock, newNonce }
  const inactive =
    parts.deactivated &&
    watchInactive(lockParts, parts.deactivated, () => grants.waitingFor().length === 0, alarm)

  const audit = await openAuditLog(parts.auditFolder, `workers-${instance}`)
  audit.append(
    auditLine({
      kind: 'opened',
      at: clock.now(),
      origin: `workers-${instance}`,
      rules: rules.hash,
      torn: audit.torn,
    }),
    true,
  )
  const occasions = createOccasions(prompt)
  const usages = createUsageStore(prompt)
  const fleet = createFleet(prompt)
  const expiries = openQueue<ExpiryJob>(queueNames.expiries, prompt)
  const messages = openQueue<MessageJob>(queueNames.messages, prompt)
  const summaries = openQueue<SummaryJob>(queueNames.summaries, prompt)
  const reminders = openQueue<ReminderJob>(queueNames.reminders, prompt)
  const beginnings = openQueue<BeginningJob>(queueNames.beginnings, prompt)
  const questions = openQueue<QuestionJob>(queueNames.questions, prompt)
  const incidents = openQueue<IncidentJob>(queueNames.incidents, prompt)
  const noteQueue = openQueue<NoteJob>(queueNames.notes, prompt)
  // What is still to be said is kept beside its job: a job that vanished is made again.
  const owed = createOwed(prompt)
  const owing = {
    messages: addOwing(owed, clock, 'messages', messages),
    notes: addOwing(owed, clock, 'notes', noteQueue),
    summaries: addOwing(owed, clock, 'summaries', summaries),
  }
  const ended = (id: string) => readEnded(prompt, statements, id)
  const slack = new webApi.WebClient(config.SLACK_BOT_TOKEN, {
    slackApiUrl: config.SLACK_API_URL,
    timeout: 5_000,
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    logLevel: webApi.LogLevel.ERROR,
  })

  const delivery = {
    slack,
    cards: createCards(prompt),
    turns: createTurns(prompt),
    render: createRenderCard({ rules, directory, live, locks, occasions, ended, clock }),
    clock,
    alarm,
  }
  const { PAGERDUTY_TOKEN: token, PAGERDUTY_FROM: from } = config
  const notes = token && from ? createNotes(config.PAGERDUTY_API_URL, token, from) : undefined

  const tell = createTell(rules, directory, owing.messages, clock, live)
  const derive = createDeriveJobs({
    rules: rules.hash,
    statements,
    audit,
    clock,
    live,
    locks,
    store,
    occasions,
    ended,
    tell,
    endBefore: (grant) => endBefore({ live, store, clock }, grant),
    expiries,
    reminders,
    beginnings,
    questions,
    incidents,
    summaries: owing.summaries,
    alarm,
  })
  const events = consumeStream({
    prompt,
    patient: patient(),
    alarm,
    stream: names.events,
    group: 'workers',
    consumer: instance,
    from: '0',
    handle: derive,
  })
  const shiftUsed = createShiftUsed(live, incidents)
  const announceGlass = createAnnounceGlass({
    rules,
    directory,
    occasions,
    messages: owing.messages,
    clock,
    alarm,
  })
  const takeReport = async (report: Report, at: number): Promise<void> => {
    if (report.kind === 'gone') return void (await fleet.gone(report.boot))
    await fleet.seen(report.boot, at)
    if (report.kind === 'usage') {
      await usages.put(report)
      await shiftUsed(report)
    }
    if (report.kind === 'break-glass') await announceGlass(report)
    if (report.kind === 'reasserted') await grants.endAgain(report.statement)
    if (report.kind === 'lock-lost') await grants.lockAgain(report.statement)
    if (report.kind === 'confirmed') await fleet.confirmed(report.boot, report.sequence, report.grant)
  }
  const reports = consumeStream({
    prompt,
    patient: patient(),
    alarm,
    stream: names.reports,
    group: 'workers',
    consumer: instance,
    from: '0',
    handle: async (id, fields) => {
      const all = await provenReports(statements, fields)
      if (all === undefined) return alarm('reports that no proxy has signed', { id })
      for (const report of all) await takeReport(report, Number(id.split('-')[0]))
    },
  })

  /** Recorded before it is refused. Redis keeps it as it came, until somebody has looked at it. */
  const recordUnfit = (queue: string, job: string, why: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const facts = { kind: 'unfit', at: clock.now(), queue, job: clip(job), why, rules: rules.hash } as const
      audit.append(auditLine(facts), true, (fault) => (fault === undefined ? resolve() : reject(fault)))
    })

  const recording =
    (name: QueueName, processor: Processor<unknown>): Processor<unknown> =>
    async (job, token) => {
      try {
        await processor(job, token)
      } catch (error) {
        if (error instanceof UnfitJob) await recordUnfit(name, job.id ?? '', error.message)
        throw error
      }
    }

  const work = (name: QueueName, concurrency: number, processor: Processor<unknown>): Worker =>
    new Worker(name, recording(name, processor), { ...takeOptions, connection: patient(), concurrency })
      .on('failed', (job, error) =>
        log.error(
          { job: job?.id, attempts: job?.attemptsMade, error: error.message },
          `a job of ${name} failed`,
        ),
      )
      .on('error', (error) => log.warn({ error: error.message }, `the queue ${name}`))

  const workers = [
    work(queueNames.expiries, 16, async (job, token) => {
      const outcome = await expireGrant(
        { live, store, clock },
        readJob(expiryShape, job.data, 'expiry').grant,
      )
      if (typeof outcome !== 'string') await putOffUntil(job, token, clock, outcome.dueAt)
    }),
    work(queueNames.reminders, 4, (job) => remind(live, tell, job.data)),
    work(queueNames.beginnings, 16, async (job, token) => {
      const { grant } = readJob(expiryShape, job.data, 'beginning')
      const outcome = await beginGrant({ rules, directory, live, store, clock }, grant)
      if (typeof outcome === 'string') return
      if ('dueAt' in outcome) await putOffUntil(job, token, clock, outcome.dueAt)
      else await tell.begun(outcome.begun)
    }),
    work(queueNames.questions, 4, (job) => askAgain(live, tell, job.data)),
    work(
      queueNames.messages,
      8,
      settling(owed, 'messages', (job, token) => deliverMessage(delivery, job, token)),
    ),
    work(
      queueNames.notes,
      2,
      settling(owed, 'notes', (job, token) => deliverNote({ notes }, job, token)),
    ),
    work(
      queueNames.summaries,
      4,
      settling(owed, 'summaries', (job, token) =>
        sumUp({ rules, fleet, occasions, usages, ended, ...owing, clock }, job, token),
      ),
    ),
  ]

  const reconciling = startReconcilingJobs({
    redis: prompt,
    live,
    store,
    clock,
    queues: { expiries, beginnings, questions, reminders, incidents },
    owed,
    owing: { messages, notes: noteQueue, summaries },
    narrowed: createShowNarrowed(rules, live, tell, clock),
    holder: `workers-${instance}-${randomBytes(6).toString('hex')}`,
    log,
    alarm,
    ...(parts.reconcileEveryMs === undefined ? {} : { everyMs: parts.reconcileEveryMs }),
  })

  return {
    measure: reconciling.measure,
    waitingFor: grants.waitingFor,
    mode: grants.mode,
    stop: async (): Promise<void> => {
      await reconciling.stop()
      await Promise.all(workers.map((worker) => worker.close()))
      await Promise.all([events.stop(), reports.stop()])
      await inactive?.stop()
      await grants.stop()
      await Promise.all(
        [expiries, reminders, beginnings, questions, incidents, messages, noteQueue, summaries].map((queue) =>
          queue.close(),
        ),
      )
      await audit.close()
    },
  }
}
