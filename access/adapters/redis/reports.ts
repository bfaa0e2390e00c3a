import type { Redis } from 'ioredis'
import { type Report, reportShape } from '../../domain/report.ts'
import { names } from './names.ts'

const kept = 20_000

/** Appends reports, in order, in one round trip. Rejects when Redis does not take them all. */
export const writeReports = async (redis: Redis, reports: readonly Report[]): Promise<void> => {
  if (reports.length === 0) return
  const pipeline = redis.pipeline()
  for (const report of reports)
    pipeline.xadd(names.reports, 'MAXLEN', '~', kept, '*', 'report', JSON.stringify(report))
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error
}

/** A report from a stream entry's fields; undefined for what is not one. */
export const readReport = (fields: readonly string[]): Report | undefined => {
  try {
    return reportShape.parse(JSON.parse(fields[1] ?? ''))
  } catch {
    return undefined
  }
}
