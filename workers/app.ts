import { webApi } from '@slack/bolt'
import { DelayedError, type Processor, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { openAuditLog } from '#access/adapters/audit-log.ts'
import type { Keys } from '#access/adapters/keys.ts'
import {
  type ExpiryJob,
  type MessageJob,
  openQueue,
  type QueueName,
  queueNames,
  queuePrefix,
  type SummaryJob,
} from '#access/adapters/queues.ts'
import { consumeStream } from '#access/adapters/redis/consume-stream.ts'
import { createFleet } from '#access/adapters/redis/fleet.ts'
import { readEnded } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createOccasions } from '#access/adapters/redis/occasions.ts'
import { readReport } from '#access/adapters/redis/reports.ts'
import { createUsageStore } from '#access/adapters/redis/usage-store.ts'
import { auditLine } from '#access/domain/audit-record.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import type { Clock } from '#access/ports.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import type { Logger } from '#access/runtime/logger.ts'
import type { WorkersConfig } from './config.ts'
import { createDeriveJobs } from './derive-jobs.ts'
import { postMessage } from './jobs/post-message.ts'
import { sumUp } from './jobs/sum-up.ts'

export type WorkersParts = {
  readonly config: WorkersConfig
  readonly rules: RuleSet
  readonly keys: Keys
  readonly clock: Clock
  readonly log: Logger
  readonly auditFolder: string
  readonly prompt: Redis
  readonly patient: () => Redis
}

const expiryShape = z.object({ grant: z.string() })

/** The workers, started. Whatever they do may happen twice, late or never without letting anybody in. */
export const startWorkers = async (parts: WorkersParts) => {
  const { config, rules, keys, clock, log, prompt, patient } = parts
  const alarm = (what: string, facts: Record<string, unknown>) => log.error(facts, what)
  const instance = config.PAGEPASS_INSTANCE
  const grants = await keepGrants({
    prompt,
    patient: patient(),
    keys,
    clock,
    alarm,
    instance: `workers-${instance}`,
  })
  const { live, store, statements } = grants

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
  const ended = (id: string) => readEnded(prompt, statements, id)
  const slack = new webApi.WebClient(config.SLACK_BOT_TOKEN, {
    slackApiUrl: config.SLACK_API_URL,
    timeout: 5_000,
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    logLevel: webApi.LogLevel.ERROR,
  })

  const derive = createDeriveJobs({
    rules,
    statements,
    audit,
    clock,
    live,
    occasions,
    ended,
    expiries,
    messages,
    summaries,
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
  const reports = consumeStream({
    prompt,
    patient: patient(),
    alarm,
    stream: names.reports,
    group: 'workers',
    consumer: instance,
    from: '0',
    handle: async (id, fields) => {
      const report = readReport(fields)
      if (report === undefined) return alarm('a report can’t be read', { id })
      if (report.kind === 'gone') return void (await fleet.gone(report.boot))
      await fleet.seen(report.boot, Number(id.split('-')[0]))
      if (report.kind === 'usage') await usages.put(report)
      if (report.kind === 'confirmed') await fleet.confirmed(report.boot, report.sequence)
    },
  })

  const work = (name: QueueName, concurrency: number, processor: Processor<unknown>): Worker =>
    new Worker(name, processor, { connection: patient(), prefix: queuePrefix, concurrency })
      .on('failed', (job, error) =>
        log.error(
          { job: job?.id, attempts: job?.attemptsMade, error: error.message },
          `a job of ${name} failed`,
        ),
      )
      .on('error', (error) => log.warn({ error: error.message }, `the queue ${name}`))

  const workers = [
    work(queueNames.expiries, 16, async (job, token) => {
      const outcome = await expireGrant({ live, store, clock }, expiryShape.parse(job.data).grant)
      if (typeof outcome === 'string') return
      await job.moveToDelayed(outcome.dueAt, token)
      throw new DelayedError()
    }),
    work(queueNames.messages, 4, (job, token) => postMessage(slack, job, token, clock)),
    work(queueNames.summaries, 4, (job, token) =>
      sumUp({ rules, fleet, occasions, usages, ended, messages, clock }, job, token),
    ),
  ]

  return {
    waitingFor: grants.waitingFor,
    stop: async (): Promise<void> => {
      await Promise.all(workers.map((worker) => worker.close()))
      await Promise.all([events.stop(), reports.stop()])
      await grants.stop()
      await Promise.all([expiries.close(), messages.close(), summaries.close()])
      await audit.close()
    },
  }
}
