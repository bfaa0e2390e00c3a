import { type Service, services } from './account.ts'
import type { Shift } from './incident-record.ts'

/** Each level of a policy has a schedule of its own: whose turn it is there, without a gap. */
export type Period = {
  readonly service: Service
  readonly level: number
  readonly user: string
  readonly override: boolean
  /** Milliseconds since the epoch; `until` is not included. */
  readonly from: number
  readonly until: number
}

/** The schedules were made then, and are planned so far. */
const plannedFrom = Date.parse('2020-01-01T00:00:00Z')
const plannedUntil = Date.parse('2100-01-01T00:00:00Z')

export const scheduleId = ({ policy }: Service, level: number): string => `PS${policy.id.slice(2)}${level}`
export const scheduleName = ({ policy }: Service, level: number): string => `${policy.name}, level ${level}`
export const isSchedule = (id: string): boolean =>
  services.some((service) => service.onCall.some((_, index) => scheduleId(service, index + 1) === id))

/** Who is on call for a service, one after the other: a new shift ends the one before it. */
export const periodsOf = (shifts: readonly Shift[], service: Service): Period[] =>
  service.onCall.flatMap(({ pagerduty }, index) => {
    const level = index + 1
    const first = { user: pagerduty.user, override: false, from: plannedFrom }
    const later = shifts
      .filter((shift) => shift.service === service.id && shift.level === level)
      .map(({ user, override, at }) => ({ user, override, from: Date.parse(at) }))
    const all = [first, ...later]
    return all
      .map((one, place) => ({ ...one, service, level, until: all[place + 1]?.from ?? plannedUntil }))
      .filter(({ from, until }) => from < until)
  })

export const isAt = ({ from, until }: Period, at: number): boolean => from <= at && at < until
