import type { Redis } from 'ioredis'
import { writeReports } from '#access/adapters/redis/reports.ts'
import type { Statements } from '#access/adapters/statements.ts'
import { isFromOffline } from '#access/domain/break-glass/book.ts'
import type { Report } from '#access/domain/report.ts'
import { isStanding } from '#access/domain/standing-grant.ts'
import type { View } from '#access/domain/view.ts'
import type { BrokenGlasses } from './broken-glass.ts'
import type { GrantUse } from './exchange.ts'
import type { GrantUses } from './grant-uses.ts'
import { inTurn } from './in-turn.ts'

const periodMs = 1_000

/**
 * Tells the others what this proxy does: once a second that it lives, by which rules, and what was used, and at once when
 * it has carried out an end. What Redis does not take is told again later.
 */
export const startReporter = ({
  redis,
  statements,
  environment,
  proxy,
  boot,
  rules,
  draining,
  uses,
  view,
  brokenGlass,
}: {
  readonly redis: Redis
  readonly statements: Pick<Statements, 'sign'>
  readonly environment: string
  readonly proxy: string
  readonly boot: string
  /** The rules hash. */
  readonly rules: string
  readonly draining: () => boolean
  readonly uses: GrantUses
  readonly view: View
  readonly brokenGlass: Pick<BrokenGlasses, 'untold' | 'told'>
}) => {
  const me = { proxy, boot }
  let unconfirmed: Report[] = []

  const usageOf = (use: GrantUse): Report | undefined =>
    use.changes === use.reported || isStanding(use.held)
      ? undefined
      : {
          kind: 'usage',
          ...me,
          grant: use.held.grant.id,
          number: use.changes,
          usage: structuredClone(use.usage),
        }

  const write = inTurn((reports: readonly Report[]) => writeReports(redis, statements, environment, reports))
  const send = async (reports: readonly Report[]): Promise<boolean> => {
    try {
      await write(reports)
    } catch {
      return false
    }
    for (const report of reports) {
      if (report.kind === 'break-glass') brokenGlass.told(report.grant)
      if (report.kind !== 'usage') continue
      const use = uses.get(report.grant)
      if (use === undefined) continue
      use.reported = report.number
      const isOver = view.get(report.grant) === undefined && !isFromOffline(use.held)
      if (use.open.size === 0 && use.changes === use.reported && isOver) uses.forget(use)
    }
    return true
  }

  const tick = async (): Promise<void> => {
    const pending = unconfirmed
    unconfirmed = []
    const usages = [...uses.all()].map(usageOf).filter((report): report is Report => report !== undefined)
    const alive: Report = { kind: 'alive', ...me, rules, draining: draining() }
    const broken = [...brokenGlass.untold()].map(
      ([grant, { at, statement }]): Report => ({ kind: 'break-glass', ...me, grant, at, statement }),
    )
    if (!(await send([alive, ...broken, ...usages, ...pending]))) unconfirmed.unshift(...pending)
  }

  const timer = setInterval(() => void tick(), periodMs)
  return {
    alive: tick,
    /** An end was carried out: what was used under it, then that it is done. */
    confirm: async (
      use: GrantUse | undefined,
      sequence: number,
      grant: string,
      cut: number,
    ): Promise<void> => {
      const usage = use === undefined ? undefined : usageOf(use)
      const confirmed: Report = { kind: 'confirmed', ...me, sequence, grant, cut }
      if (!(await send(usage === undefined ? [confirmed] : [usage, confirmed]))) unconfirmed.push(confirmed)
    },
    /** Redis has lost this end: whoever may write it again is told. */
    reassert: (statement: string): void => void send([{ kind: 'reasserted', ...me, statement }]),
    /** The same of who is locked out. */
    lockLost: (statement: string): void => void send([{ kind: 'lock-lost', ...me, statement }]),
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await tick()
      await send([{ kind: 'gone', ...me }])
    },
  }
}
export type Reporter = ReturnType<typeof startReporter>
