import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isFault } from '#access/domain/errors.ts'
import { ensureRedis } from './redis/ensure-redis.ts'
import { probeRedis } from './redis/probe.ts'
import {
  defaultBasePort,
  type Ports,
  partNames,
  placeNames,
  prepareFolder,
  readyUrl,
  startPart,
  startWorldProcess,
} from './stack.ts'
import { askAtTerminal } from './start/ask.ts'
import { claimPorts } from './start/ports.ts'
import { SandboxError } from './start/sandbox-error.ts'
import { renderScreen } from './start/screen.ts'
import { startReady } from './start/start-ready.ts'
import { type Run, supervise, usualPace } from './start/supervise.ts'
import { tellTurn } from './start/tell-turn.ts'

/** `npm start`: a whole Pagepass on this machine, with stand-ins for what is outside. */

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const stops: (() => Promise<unknown>)[] = []
let stopping: Promise<void> | undefined
const stopAll = (code: number): Promise<void> => {
  stopping ??= (async () => {
    for (const stop of stops.toReversed()) await stop().catch((error: Error) => say(error.message))
    process.exit(code)
  })()
  return stopping
}

const start = async (): Promise<void> => {
  const folder = resolve(process.env['PAGEPASS_DATA_DIR'] || '.pagepass')
  const ports = await claimPorts(Number(process.env['PAGEPASS_BASE_PORT'] || defaultBasePort), placeNames)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const redisUrl = await reachRedis(folder, ports)
  const prepared = await prepareFolder(folder, ports)
  say('starting the sandbox, bot, workers and proxy …')
  const world = keep('sandbox', logOf(folder, 'sandbox'), (signal) =>
    startReady(() => startWorldProcess(prepared), `http://127.0.0.1:${ports.control}/`, signal),
  )
  stops.push(world.stop)
  const parts = partNames.map((name) =>
    keep(name, logOf(folder, name), (signal) =>
      startReady(() => startPart(name, prepared, redisUrl), readyUrl(name, ports), signal),
    ),
  )
  stops.push(() => Promise.all(parts.map((part) => part.stop())))
  await Promise.all([world, ...parts].map(({ ready }) => ready))
  say(renderScreen(screen(ports, folder), { colour, width: process.stdout.columns ?? 80 }))
}

const colour = process.stdout.isTTY === true && !process.env['NO_COLOR']
const logOf = (folder: string, name: string): string => resolve(folder, 'logs', `${name}.log`)

/** Keeps a process running, and says so each time it has to. */
const keep = (name: string, logFile: string, start: (signal: AbortSignal) => Promise<Run>, running?: Run) =>
  supervise({
    name,
    start,
    ...(running && { running }),
    tell: (turn) => say(tellTurn(turn, { colour, logFile, hopelessAfter: usualPace.hopelessAfter })),
  })

const reachRedis = async (folder: string, ports: Ports): Promise<string> => {
  const given = process.env['REDIS_URL']
  if (given) {
    const { state } = await probeRedis(given)
    if (state === 'ready') return given
    throw new SandboxError(
      'redis_unreachable',
      `No Redis answers at REDIS_URL (${URL.canParse(given) ? new URL(given).host : 'which is no URL'}): it is ${state}.`,
      'Start it, correct REDIS_URL, or leave REDIS_URL out for a private Redis.',
    )
  }
  const ask = askAtTerminal()
  const begin = { folder: resolve(folder, 'redis'), port: ports.redis, say }
  const redis = await ensureRedis({ ...begin, ...(ask && { ask }) })
  const kept = keep('Redis', redis.logFile, (signal) => ensureRedis({ ...begin, signal }), redis)
  stops.push(kept.stop)
  return redis.url
}

const screen = (ports: Ports, folder: string) => {
  const control = `localhost:${ports.control}`
  const service = `http://orders-svc.localhost:${ports.proxy}`
  const as = (who: string): string => `-H "Authorization: Bearer $(curl -s '${control}/token?who=${who}')"`
  const slack = (who: string, text: string): string =>
    `curl -s ${control}/slack -d as=${who} --data-urlencode 'text=${text}'`
  return {
    services: [
      { name: 'proxy', where: `http://<service>.localhost:${ports.proxy}`, what: 'orders-svc, payments-svc' },
      { name: 'bot', where: `http://localhost:${ports.bot}`, what: 'Slack and PagerDuty talk to it' },
      { name: 'workers', where: '(no address)', what: 'expiry, messages, summaries' },
      {
        name: 'sandbox',
        where: `http://localhost:${ports.control}`,
        what: 'stand-ins for Slack, PagerDuty and sign-in',
      },
      { name: 'data', where: folder, what: 'logs, audit, Redis' },
    ],
    tries: [
      {
        title: 'Page Ana: she is on call for orders',
        command: `curl -s ${control}/page -d service=orders-svc`,
      },
      { title: 'Call the service as Ana', command: `curl -s ${service}/v1/orders ${as('ana')}` },
      {
        title: 'Try what her pass does not reach',
        command: `curl -s -X DELETE ${service}/v1/orders/7 ${as('ana')}`,
      },
      {
        title: 'Ask for a pass by hand, as Ben',
        command: slack('ben', 'grant orders-svc 2h because stuck orders'),
      },
      { title: 'Make it last longer', command: slack('ben', 'extend orders-svc 30m') },
      { title: 'Revoke it', command: slack('ben', 'revoke orders-svc') },
      {
        title: 'Resolve the incident: Ana’s pass ends',
        command: `curl -s ${control}/resolve -d service=orders-svc`,
      },
      {
        title: 'Page Cho, who is offered a pass, and take it',
        command: `curl -s ${control}/page -d service=payments-svc; sleep 2; curl -s ${control}/dm/cho; curl -s ${control}/click -d as=cho -d button=Take`,
      },
      { title: 'Read what the channel was told', command: `curl -s ${control}/channel/inc-orders` },
    ],
  }
}

process.on('SIGINT', () => {
  if (stopping === undefined) say('\nstopping …')
  void stopAll(0)
})
process.on('SIGTERM', () => void stopAll(0))
process.on('SIGHUP', () => void stopAll(0))

try {
  await start()
} catch (error) {
  if (stopping === undefined) {
    const mend = isFault(error) && error.mend !== undefined ? `\n  → ${error.mend}` : ''
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}${mend}\n`)
  }
  await stopAll(1)
}
