import type { Redis } from 'ioredis'
import type { Report } from '../../domain/report.ts'
import { readUnverified, type Statements } from '../statements.ts'
import { names } from './names.ts'

const kept = 20_000
/** A statement of so many takes some ten thousand characters. */
const mostAtOnce = 50

/**
 * Appends reports, signed, in order and in one round trip. Rejects when Redis does not take them all, and where this process
 * can't sign them.
 */
export const writeReports = async (
  redis: Redis,
  statements: Pick<Statements, 'sign'>,
  environment: string,
  reports: readonly Report[],
): Promise<void> => {
  if (reports.length === 0) return
  const pipeline = redis.pipeline()
  for (let from = 0; from < reports.length; from += mostAtOnce) {
    const some = reports.slice(from, from + mostAtOnce)
    const statement = await statements.sign('reports', { environment, reports: some })
    pipeline.xadd(names.reports, 'MAXLEN', '~', kept, '*', 'statement', statement)
  }
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error
}

/** The reports of a stream entry, whose signature holds; undefined for what no proxy has said. */
export const provenReports = (
  statements: Pick<Statements, 'verify'>,
  fields: readonly string[],
): Promise<readonly Report[] | undefined> =>
  statements.verify('reports', fields[1] ?? '').then(
    ({ reports }) => reports,
    () => undefined,
  )

/** What a stream entry’s fields say, whoever wrote them. For people to look at; nothing may follow from it. */
export const readReports = (fields: readonly string[]): readonly Report[] => {
  try {
    return readUnverified('reports', fields[1] ?? '').reports
  } catch {
    return []
  }
}
