import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QueueEvents } from 'bullmq'
import { Pool } from 'undici'
import { loadKeys } from '#access/adapters/keys.ts'
import { queueNames, queuePrefix } from '#access/adapters/queues.ts'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { createClock } from '#access/runtime/clock.ts'
import { loadDirectory, signDirectory } from '#access/runtime/directory.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import { loadRules } from '#access/runtime/rules.ts'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import { partEnvironment, prepareFolder, readyUrl, type SandboxSecrets } from '#infra/sandbox/stack.ts'
import { freePort } from '#infra/sandbox/start/ports.ts'
import { startProcess } from '#infra/sandbox/start/processes.ts'
import { waitReady } from '#infra/sandbox/start/ready.ts'
import { freePorts } from '../../free-ports.ts'
import { castOf, rulesText } from './cast.ts'
import { startEars } from './ears.ts'
import { readHistory } from './history.ts'
import { startIncidents } from './incidents.ts'
import { type Message, messagesOf } from './messages.ts'

export type Secrets = Pick<SandboxSecrets, 'slackSigningSecret' | 'pagerdutyWebhookSecret'>

const bots = 4
const patienceMs = 20_000

type Closing = () => Promise<unknown>

/**
 * Four bots as real processes on a real Redis, for so many casts of people. Of Slack and PagerDuty there is what the
 * bots ask of them. This process keeps grants too, as a worker does.
 */
export const startBots = async (
  castCount: number,
  violated: (what: string) => void,
  say: (line: string) => void,
) => {
  const closing: Closing[] = []
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close()
  }
  try {
    return { ...(await start(castCount, violated, say, closing)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
export type Stack = Awaited<ReturnType<typeof startBots>>

const start = async (
  castCount: number,
  violated: (what: string) => void,
  say: (line: string) => void,
  closing: Closing[],
) => {
  const folder = await mkdtemp(join(tmpdir(), 'pagepass-outcomes-'))
  closing.push(() => rm(folder, { recursive: true, force: true }))
  const [ears, incidents] = [await startEars(), await startIncidents()]
  closing.push(ears.close, incidents.close)
  const ports = { ...(await freePorts()), slack: ears.port, pagerduty: incidents.port }
  const redis = await ensureRedis({ folder: join(folder, 'redis'), port: ports.redis, say })
  closing.push(redis.stop)

  const prepared = await prepareFolder(folder, ports)
  await writeFile(prepared.rules, rulesText)
  const offline = createStatements(await loadKeys(join(prepared.keys, 'offline'), 'offline', 'sandbox'))
  const casts = Array.from({ length: castCount }, (_, lane) => castOf(lane))
  const people = casts.flatMap((cast) => Object.values(cast))
  await writeFile(prepared.directory, await signDirectory(people, offline, 'sandbox', Date.now()))

  const startBot = async (number: number): Promise<{ readonly pool: Pool; readonly log: () => string }> => {
    const at = { ...ports, bot: await freePort(), 'bot admin': await freePort() }
    const own = { ...prepared, ports: at }
    const bot = await startProcess({
      name: `bot ${number}`,
      command: process.execPath,
      args: [join(import.meta.dirname, '../../../bot/main.ts')],
      env: {
        ...partEnvironment('bot', own, redis.url, String(number)),
        PAGEPASS_LOG_LEVEL: 'error',
      },
      logFile: join(folder, 'logs', `bot-${number}.log`),
    })
    closing.push(bot.stop)
    await waitReady(readyUrl('bot', at), { process: bot })
    const pool = new Pool(`http://127.0.0.1:${at.bot}`, { connections: 32, pipelining: 1 })
    closing.push(() => pool.close())
    return { pool, log: () => bot.logTail(20) }
  }
  const started = await Promise.all(Array.from({ length: bots }, (_, index) => startBot(index + 1)))

  const onError = (error: Error): void => say(`Redis: ${error.message}`)
  const prompt = connectPrompt(redis.url, onError)
  closing.push(async () => prompt.disconnect())
  const keys = await loadKeys(join(prepared.keys, 'bot'), 'bot', 'sandbox')
  const clock = createClock()
  const alarm = (what: string, facts: object): void => say(`alarm: ${what} ${JSON.stringify(facts)}`)
  const grants = await keepGrants({
    prompt,
    patient: connectPatient(redis.url, onError),
    keys,
    clock,
    alarm,
    instance: 'outcomes',
  })
  closing.push(grants.stop)
  const jobs = await followJobs(redis.url, onError, closing)

  const sent = Array.from({ length: bots }, () => 0)
  const answerMs: number[] = []
  /** Sends a message to one of the bots. Resolves with the answer's body; rejects when it is not the wanted status. */
  const send = async ({ path, body, headers, label }: Message, bot: number): Promise<string> => {
    const from = performance.now()
    sent[bot] = (sent[bot] ?? 0) + 1
    const { pool } = started[bot] as (typeof started)[number]
    const { statusCode, body: answer } = await pool.request({ method: 'POST', path, headers, body })
    const text = await answer.text()
    answerMs.push(performance.now() - from)
    if (statusCode !== 200 && statusCode !== 202) throw new Error(`${label} was answered ${statusCode}`)
    return text
  }

  return {
    casts,
    bots,
    send,
    sent,
    answerMs,
    ears,
    incidents,
    jobs,
    redis: prompt,
    messages: messagesOf(prepared.secrets, incidents),
    history: readHistory(prompt, grants.statements, violated),
    /** What operations take, in this process. */
    parts: {
      rules: (await loadRules(prepared.rules)).rules,
      directory: await loadDirectory(prepared.directory, grants.statements),
      live: grants.live,
      store: grants.store,
      clock,
      newNonce: () => randomBytes(24).toString('base64url'),
    },
    logs: (): string => started.map(({ log }) => log()).join('\n'),
  }
}

/** Which jobs of the incident queue are done. */
const followJobs = async (url: string, onError: (error: Error) => void, closing: Closing[]) => {
  const done = new Set<string>()
  const waiting = new Map<string, (done: boolean) => void>()
  const connection = connectPatient(url, onError)
  const events = new QueueEvents(queueNames.incidents, { connection, prefix: queuePrefix })
  closing.push(async () => {
    await events.close()
    connection.disconnect()
  })
  events.on('error', onError)
  events.on('completed', ({ jobId }) => {
    done.add(jobId)
    waiting.get(jobId)?.(true)
  })
  await events.waitUntilReady()
  return {
    /** False when it is not done in time. */
    whenDone: (job: string): Promise<boolean> =>
      new Promise((resolve) => {
        if (done.has(job)) return resolve(true)
        const settle = (is: boolean): void => {
          clearTimeout(late)
          waiting.delete(job)
          resolve(is)
        }
        const late = setTimeout(() => settle(false), patienceMs)
        waiting.set(job, settle)
      }),
  }
}
