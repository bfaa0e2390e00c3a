import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import { openAuditLog } from '#access/adapters/audit-log.ts'
import type { Keys } from '#access/adapters/keys.ts'
import { followConfirmations } from '#access/adapters/redis/follow-confirmations.ts'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { createRateLeases } from '#access/adapters/redis/rate-leases.ts'
import { createTombstones } from '#access/adapters/redis/tombstones.ts'
import { createSignedByRevoked } from '#access/adapters/revocations.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { auditLine } from '#access/domain/audit-record.ts'
import { createGlassBook } from '#access/domain/break-glass/book.ts'
import { keepCompactly, versionOf } from '#access/domain/compact-grant.ts'
import { Fault } from '#access/domain/errors.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { Lock } from '#access/domain/lock.ts'
import { principalKey } from '#access/domain/principal.ts'
import { nextEdgeOf, type RuleSet } from '#access/domain/rule-set.ts'
import { createView } from '#access/domain/view.ts'
import type { Clock } from '#access/ports.ts'
import { stopwatch } from '#access/runtime/clock.ts'
import type { Address } from '#access/runtime/config.ts'
import { keepLocks, restoreLocks } from '#access/runtime/keep-locks.ts'
import { keepRevocations, type RevocationFiles } from '#access/runtime/keep-revocations.ts'
import { listen } from '#access/runtime/listen.ts'
import type { Logger } from '#access/runtime/logger.ts'
import { createAssertions } from './assertions.ts'
import type { AuthzSettings } from './authz/config.ts'
import { startAuthz } from './authz/start.ts'
import { createBrokenGlass } from './broken-glass.ts'
import type { EgressSettings } from './egress/config.ts'
import { startEgress } from './egress/start.ts'
import { createUpstreams } from './forward.ts'
import { createGrantUses } from './grant-uses.ts'
import { createIdentities } from './identities.ts'
import { createProveSignIns } from './identity/prove-sign-ins.ts'
import { createLocks } from './locks.ts'
import { createTellLost } from './lost-locks.ts'
import { createProxyMetrics } from './metrics.ts'
import { createModeOf, type Mode } from './mode.ts'
import { createPipeline } from './pipeline.ts'
import { startRateLimits } from './rate-limits.ts'
import { createRecords } from './records.ts'
import { startReporter } from './reporter.ts'
import { createRevokedKeys } from './revoked-keys.ts'
import { createProxyServer } from './server.ts'
import type { Sessions } from './session/sessions.ts'
import { pathOf } from './steps/read-target.ts'
import { keepPair } from './tls/keep-pair.ts'
import type { PairFiles } from './tls/pair.ts'
import { createAddressGuard, type Endpoint } from './upstream-address.ts'
import { createUpgrades } from './websockets/upgrade.ts'

export type ProxyParts = {
  readonly rules: RuleSet
  readonly keys: Keys
  readonly clock: Clock
  readonly log: Logger
  readonly instance: string
  readonly auditFolder: string
  readonly listen: Address
  /** The certificate and key of the listener; without them it speaks plain HTTP. */
  readonly tls?: PairFiles
  /** Where front proxies ask for decisions, and how they authenticate. */
  readonly authz?: AuthzSettings | undefined
  /** Where workloads call the outside through. */
  readonly egress?: EgressSettings | undefined
  /** Two connections: one for commands, one for the blocking read. */
  readonly prompt: Redis
  readonly patient: Redis
  /** What else this process listens at: never an address of a service. */
  readonly ownPorts?: readonly number[]
  /** Who signed in with a browser; without it nobody can. */
  readonly sessions?: Sessions | undefined
  /** Where the bot is at home in Slack, for people who are refused. */
  readonly slackApp?: string | undefined
  /** The bot's command, for what they may paste there. */
  readonly slackCommand?: string | undefined
  /** Where this process keeps which keys were revoked. */
  readonly revocationFiles?: RevocationFiles | undefined
  /** Where it keeps who is locked out. */
  readonly lockFile?: string | undefined
  /** Awaited once everything else runs; told what the proxy waits for, and how it gets on meanwhile. */
  readonly beforeListening?: (waitingFor: () => string[], mode: () => Mode) => Promise<void>
}

const finishMs = 5_000
/** So long after a process takes no new connection, a request may still be on its way on an old one. */
const lastRequestsMs = 5_000
const freshMs = 3_000
const sweepMs = 200

/** A whole proxy, started. It decides from its own view and never asks Redis on the way of a request. */
export const startProxy = async (parts: ProxyParts) => {
  const { rules, keys, clock, log, instance, prompt, patient } = parts
  const assertionKey = keys.own.get('assertion')
  if (assertionKey === undefined)
    throw new Fault('keys/missing', 'the proxy has no key to sign assertions with')
  const alarm = (what: string, facts: Record<string, unknown>) => log.error(facts, what)
  const boot = randomBytes(6).toString('hex')
  let count = 0
  let draining = false
  let stopping = false
  let lastRequestsUntil = Number.NEGATIVE_INFINITY
  const mayAnswerLast = (): boolean => !stopping && clock.now() < lastRequestsUntil

  const tls = parts.tls === undefined ? undefined : await keepPair(parts.tls, clock, log)
  const audit = await openAuditLog(parts.auditFolder, `proxy-${instance}`)
  audit.append(
    auditLine({
      kind: 'opened',
      at: clock.now(),
      origin: `proxy-${instance}`,
      rules: rules.hash,
      torn: audit.torn,
    }),
    true,
  )
  const statements = createStatements(keys)
  const view = createView(keepCompactly, createSignedByRevoked(keys))
  const lockKeeping =
    parts.lockFile === undefined
      ? undefined
      : {
          view,
          statements,
          file: parts.lockFile,
          now: clock.now,
          lift: rules.lock?.lift,
          alarm,
        }
  const lockedAsOf = lockKeeping && (await restoreLocks(lockKeeping))
  if (lockedAsOf !== undefined)
    log.info({ asOf: new Date(lockedAsOf).toISOString() }, 'who is locked out is known from disk')
  const keptLocks = lockKeeping && keepLocks(lockKeeping)
  const limits = startRateLimits({ leases: createRateLeases(prompt, `${instance} ${boot}`), now: clock.now })
  const uses = createGrantUses(clock.now, (use) => pipeline.recheck(use.open), limits)
  const assertions = createAssertions(rules, assertionKey, clock.now)
  const beside = [parts.authz, parts.egress].flatMap((one) => (one === undefined ? [] : [one.listen.port]))
  const guard = createAddressGuard(new Set([parts.listen.port, ...beside, ...(parts.ownPorts ?? [])]), () => [
    ...redisEndpoints(prompt),
  ])
  const upstreams = createUpstreams(guard)
  const metrics = createProxyMetrics(stopwatch)
  const identities = createIdentities(rules, clock.now)
  const proveSignIns = createProveSignIns(identities.keys)
  const nextId = () => {
    count += 1
    return `${boot}-${count}`
  }
  const records = createRecords({ audit, metrics, clock, rules, view, nextId })
  const brokenGlass = createBrokenGlass(records, clock.now)
  const tunnelRefused = ({ method, url, rawHeaders, socket }: IncomingMessage, status: number): void =>
    records.refused({
      reason: 'upgrade-not-admitted',
      status,
      client: socket.remoteAddress,
      method,
      host: hostOf(rawHeaders),
      path: pathOf(url),
    })
  const unreadable = (client: string, status: number): void =>
    records.refused({ reason: 'headers-ambiguous', status, client })
  const deciding = {
    rules,
    view,
    clock,
    uses,
    records,
    assertions,
    nextId,
    alarm,
    prove: (held: HeldGrant) => follower.prove(held),
    proveSignIns,
    identities,
    metrics,
    glass: createGlassBook(rules),
    brokeGlass: brokenGlass.note,
    slackCommand: parts.slackCommand,
  }
  const pipeline = createPipeline({
    ...deciding,
    sessions: parts.sessions,
    slackApp: parts.slackApp,
    upstreams,
    upgrades: createUpgrades(guard),
  })
  const egress =
    parts.egress &&
    (await startEgress(parts.egress, {
      ...deciding,
      guard,
      log,
      mayAnswerLast,
      unreadable,
    }))
  /** What is open, whatever admitted it. */
  const everyUse = () => [...uses.all(), ...(egress?.callers() ?? [])]
  const ofServices = createLocks({ view, identities, uses, recheck: pipeline.recheck })
  const locks = {
    ...ofServices,
    lock: (principal: string): number => ofServices.lock(principal) + (egress?.cutOf(principal) ?? 0),
  }
  const reporter = startReporter({
    redis: prompt,
    statements,
    environment: rules.environment,
    proxy: instance,
    boot,
    rules: rules.hash,
    draining: () => draining,
    uses,
    view,
    brokenGlass,
  })

  const carryOutEnd = (held: HeldGrant, sequence: number): void => {
    const use = uses.get(held.grant.id)
    const cuts = use === undefined ? 0 : pipeline.recheck(use.open)
    assertions.forget(held)
    revoked.ended(held, cuts)
    void reporter.confirm(use, sequence, held.grant.id, cuts)
  }

  /** Refused and cut at once, whatever they hold and whatever needs no grant. */
  const carryOutLock = ({ id, who }: Lock, sequence: number | undefined): void => {
    const cuts = locks.lock(principalKey(who))
    if (sequence !== undefined) void reporter.confirm(undefined, sequence, id, cuts)
  }

  /**
   * A newer version counts once its signature is proven. Until then what is open goes on under the version it was
   * admitted by, whose end still cuts it.
   */
  const takeOver = async (held: HeldGrant): Promise<void> => {
    const { id } = versionOf(held)
    // What is open is decided on anew under it, so the sign-ins in it are looked at first.
    if (uses.get(id) !== undefined) await proveSignIns([held])
    await follower.prove(held)
    const use = uses.get(id)
    if (use === undefined) return
    const newest = view.get(id)
    // A newer one than this has its own turn.
    if (newest !== undefined && newest !== held) return
    if (newest === held) uses.of(held)
    pipeline.recheck(use.open)
  }

  const tombstones = createTombstones(reporter.reassert, clock.now)
  const tellLost = createTellLost(reporter.lockLost, clock.now)
  const follower = followView(
    { prompt, patient, view, statements, clock, heads: 'demanded', lift: rules.lock?.lift },
    {
      alarm,
      waiting: (what) => log.info({ what }, 'waiting for Redis'),
      ended: carryOutEnd,
      endProven: tombstones.keep,
      returned: ({ id }) => tombstones.returned(id),
      given: (held) => void takeOver(held),
      withheld: (held) => {
        const use = uses.get(versionOf(held).id)
        if (use !== undefined) pipeline.recheck(use.open)
      },
      locked: carryOutLock,
      lockLost: (lock, statement) => {
        if (tellLost(lock, statement)) alarm('Redis lost who is locked out', { lock: lock.id })
      },
      synced: () => {
        for (const use of uses.all()) {
          const held = view.get(use.held.grant.id)
          if (held === undefined) pipeline.recheck(use.open)
          else if (use.open.size > 0) void takeOver(held)
        }
        log.info({ sequence: view.sequence() }, 'in step with Redis')
        void reporter.alive()
      },
    },
  )

  const confirmed = followConfirmations({
    redis: prompt,
    statements,
    confirmations: view.confirmations,
    clock,
    alarm,
  })

  const revoked = createRevokedKeys({
    keys,
    assertionKey,
    view,
    statements,
    follower,
    uses,
    assertions,
    lock: locks.lock,
    recheck: pipeline.recheck,
    reporter,
    now: clock.now,
  })
  const revocations = keepRevocations(
    { keys, redis: prompt, files: parts.revocationFiles, writes: false, alarm },
    revoked.obey,
  )
  void revocations.look()

  // What ends nothing by itself ends what is open too: a view grown stale, a page that PagerDuty confirms no more, rules that
  // give less from a moment on, a sign-in grown old, and a wall clock that was set ahead of the timers, which only know the
  // monotonic one.
  let edge = nextEdgeOf(rules, clock.now())
  const sweep = setInterval(() => {
    const now = clock.now()
    const stale = view.age(now) > freshMs
    const crossed = now >= edge
    if (crossed) edge = nextEdgeOf(rules, now)
    for (const use of uses.all()) {
      if (use.open.size === 0) continue
      const { grant } = use.held
      if (stale || crossed || grant.until <= now || view.confirmedUntil(grant) <= now)
        pipeline.recheck(use.open)
      pipeline.endSessions(use.open, now)
    }
  }, sweepMs)
  sweep.unref()

  const waitingFor = (): string[] => [
    ...(view.ready() ? [] : ['the first sync with Redis']),
    ...(view.age(clock.now()) < freshMs ? [] : ['a fresh signed head from a bot or worker']),
    ...[...keys.own.values()].flatMap(({ kid }) =>
      keys.revoked.has(kid) ? [`another key than "${kid}", which was revoked`] : [],
    ),
  ]
  const modeOf = createModeOf(rules, freshMs)
  const mode = (): Mode => modeOf(view, clock.now())
  const publicKeys = () =>
    [...keys.trusted.values()]
      .filter(({ role, kid }) => role === 'assertion' && !keys.revoked.has(kid))
      .map(({ jwk }) => jwk)
  await parts.beforeListening?.(waitingFor, mode)
  const authz =
    parts.authz === undefined ? undefined : await startAuthz(parts.authz, deciding, mayAnswerLast, log)
  const egressPort = await egress?.listen()
  const listening = await listen(
    createProxyServer(pipeline.handle, tunnelRefused, unreadable, publicKeys, mayAnswerLast, tls),
    parts.listen,
  )

  return {
    port: listening.port,
    /** Where front proxies ask, if they may. */
    authzPort: authz?.port,
    /** Where workloads call the outside through, if they may. */
    egressPort,
    /** Lets a registry read what this proxy counts. */
    measure: (registry: Registry): void =>
      metrics.register(registry, { view, audit, identities, uses: { all: everyUse }, now: clock.now, mode }),
    waitingFor,
    mode,
    /** Who is locked out here: the follower of the view sees to that by itself. */
    locks,
    /**
     * What SIGTERM asks for: no new connection, and after a moment no new request, while what is open goes on, under this
     * rule set and until its grant ends. Resolves when nothing is open, when the rule set's `drain` is over, or when
     * `stop` was called.
     */
    drain: async (): Promise<string> => {
      const until = clock.now() + rules.drain
      lastRequestsUntil = clock.now() + lastRequestsMs
      const open = (): number => everyUse().reduce((sum, use) => sum + use.open.size, 0)
      draining = true
      listening.takeNoMore(() => !mayAnswerLast())
      authz?.takeNoMore(() => !mayAnswerLast())
      egress?.drain()
      pipeline.lastAnswers()
      log.info(
        { open: open(), until: new Date(until).toISOString(), rules: rules.hash },
        'what is open goes on',
      )
      void reporter.alive()
      const besides = (): number => (authz?.connections() ?? 0) + (egress?.connections() ?? 0)
      const mayAsk = (): boolean => mayAnswerLast() && listening.connections() + besides() > 0
      while (!stopping && (open() > 0 || mayAsk()) && clock.now() < until) await setTimeout(sweepMs)
      const left = open()
      return left === 0 ? 'nothing is open any more' : `${left} still open`
    },
    stop: async (): Promise<void> => {
      stopping = true
      pipeline.endWebSockets()
      await Promise.all([listening.close(finishMs), authz?.close(finishMs), egress?.stop(finishMs)])
      clearInterval(sweep)
      await revocations.stop()
      await keptLocks?.stop()
      await limits.stop()
      await reporter.stop()
      await follower.stop()
      await confirmed.stop()
      await upstreams.close()
      await tls?.stop()
      await audit.close()
    },
  }
}

/** Where Redis is connected to, or is to be, and the Sentinels that say so. */
const redisEndpoints = ({ options, stream }: Redis): Endpoint[] => {
  const { remoteAddress, remotePort } = (stream as Socket | undefined) ?? {}
  const sentinels = (options.sentinels ?? []).map(({ host, port }) => ({
    host: host ?? '',
    port: port ?? 26_379,
  }))
  return [
    { host: remoteAddress ?? options.host ?? '', port: remotePort ?? options.port ?? 6_379 },
    ...sentinels,
  ]
}

const hostOf = (rawHeaders: readonly string[]): string => {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  return at === -1 ? '' : (rawHeaders[at + 1] ?? '')
}
