import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createIncidents } from '#access/adapters/pagerduty/incidents.ts'
import { createOpenIncidents } from '#access/adapters/pagerduty/open-incidents.ts'
import { serviceWithId } from '#infra/sandbox/pagerduty/account.ts'
import { createPagerDuty, type PagerDuty } from '#infra/sandbox/pagerduty/pagerduty.ts'
import { people } from '#infra/sandbox/people.ts'
import { hour, minute, noon } from '../../../builders.ts'

const { ana, ben, cho } = people
const orders = serviceWithId('PORDERS') ?? expect.fail('no orders-svc')
const payments = serviceWithId('PPAYMTS') ?? expect.fail('no payments-svc')
const byDatadog = { kind: 'integration', id: 'PIDATADOG', service: 'PORDERS' } as const
const never = new AbortController().signal

let at: number
let pagerDuty: PagerDuty
let url: string
beforeEach(async () => {
  at = noon
  pagerDuty = createPagerDuty({
    token: 'token',
    webhook: { url: 'http://127.0.0.1:1', secret: 'webhook' },
    now: () => at,
  })
  url = (await pagerDuty.listen(0)).url
})
afterEach(() => pagerDuty.close())

const now = (): number => at
const read = (id: string) => createIncidents(url, 'token', { withLevels: false, now }).read(id)
const listed = () => createOpenIncidents(url, 'token', now)
const page = (service = orders) =>
  pagerDuty.incidents.trigger({ service, title: 'orders are stuck', by: byDatadog })
const changeShift = (who: typeof ana, override = false, level = 1): void =>
  pagerDuty.incidents.changeShift(orders, who.pagerduty.user, level, override)

/** Cho's shift begins an hour after Ana was paged. */
const choComes = (override = false) => {
  const incident = page()
  at += hour
  changeShift(cho, override)
  at += minute
  return incident
}
const chosShift = (planned: boolean) => ({
  user: 'PUCHO01',
  name: 'Cho Park',
  at: noon + hour,
  level: 1,
  shift: { from: ['PUANA01'], planned },
})

describe('An incident', () => {
  test('reaches whose shift has begun since, and names whom it relieves', async () => {
    const found = await read(choComes().id)
    expect(found?.paged).toEqual([{ user: 'PUANA01', name: 'Ana Lopes', at: noon }, chosShift(true)])
    expect(found?.relieved).toEqual(['PUANA01'])
  })

  test('tells whom an override brought', async () => {
    const found = await read(choComes(true).id)
    expect(found?.paged.at(-1)).toEqual(chosShift(false))
  })

  test('takes a shift for an override where the token may not ask for those', async () => {
    const { id } = choComes()
    pagerDuty.fail({ kind: '403', path: '/schedules/' })
    expect((await read(id))?.paged.at(-1)).toEqual(chosShift(false))
  })

  test('has no shifts where the token may not ask who is on call', async () => {
    const { id } = choComes()
    pagerDuty.fail({ kind: '403', path: '/oncalls' })
    expect(await read(id)).toMatchObject({ paged: [{ user: 'PUANA01' }] })
  })

  test('is not read where PagerDuty does not say who is on call', async () => {
    const { id } = choComes()
    pagerDuty.fail({ kind: '500', path: '/oncalls' })
    await expect(read(id)).rejects.toMatchObject({ code: 'pagerduty/failed' })
  })

  test('reaches nobody more within the first minute, nor once it is over, and nobody is asked for', async () => {
    const incident = page()
    changeShift(cho)
    pagerDuty.fail({ kind: '500', path: '/oncalls', count: 10 })
    at += minute - 1_000
    expect((await read(incident.id))?.paged).toHaveLength(1)
    at += hour
    pagerDuty.incidents.resolve(incident.id, byDatadog)
    expect(await read(incident.id)).toMatchObject({ status: 'resolved', paged: [] })
  })
})

describe('What is open', () => {
  test('says whose shift has begun, of each incident its own, and changes with it', async () => {
    const [incident, other] = [page(), page(payments)]
    at += hour
    const before = (await listed().list(['PORDERS', 'PPAYMTS'], never)).incidents
    changeShift(cho)
    at += minute
    const { incidents, whole } = await listed().list(['PORDERS', 'PPAYMTS'], never)
    expect(whole).toBe(true)
    const [changed, same] = [
      incidents.find(({ id }) => id === incident.id),
      incidents.find(({ id }) => id === other.id),
    ]
    expect(changed?.paged.map(({ user }) => user)).toEqual(['PUANA01', 'PUCHO01'])
    expect(changed?.relieved).toEqual(['PUANA01'])
    expect(changed?.state).not.toBe(before.find(({ id }) => id === incident.id)?.state)
    expect(same).toEqual(before.find(({ id }) => id === other.id))
    expect(await listed().look(incident.id)).toEqual(changed)
  })

  test('is not whole, but told, where nobody says who is on call', async () => {
    const { id } = choComes()
    pagerDuty.fail({ kind: '500', path: '/oncalls' })
    expect(await listed().list(['PORDERS'], never)).toMatchObject({
      incidents: [{ id, paged: [{ user: 'PUANA01' }] }],
      whole: false,
    })
    pagerDuty.fail({ kind: '500', path: '/oncalls' })
    await expect(listed().look(id)).rejects.toMatchObject({ code: 'pagerduty/failed' })
  })

  test('asks for no shifts more often than pages of them need', async () => {
    for (let count = 0; count < 30; count += 1) page()
    at += hour
    changeShift(cho)
    changeShift(ben, false, 2)
    const { incidents } = await listed().list(['PORDERS'], never)
    expect(incidents.filter(({ paged }) => paged.length === 2)).toHaveLength(30)
    const response = await fetch(`${url}/users`, { headers: { authorization: 'Token token=token' } })
    expect(response.headers.get('ratelimit-remaining')).toBe('957')
  })
})
