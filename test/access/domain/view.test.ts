import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import { principalKey } from '#access/domain/principal.ts'
import { createView, type View, type ViewEvent } from '#access/domain/view.ts'
import { aGrant, anEnd, noon, nthId } from '../../builders.ts'

const who = principalKey(aGrant().who)
const statementOf = ({ id, version }: { id: string; version: number }): string => `${id} v${version}`
const given = (sequence: number, grant: Grant): ViewEvent => ({
  kind: 'grant',
  sequence,
  grant,
  statement: statementOf(grant),
})
const over = (sequence: number, grant: Grant): ViewEvent => ({
  kind: 'end',
  sequence,
  end: anEnd(grant),
  statement: `end of ${grant.id}`,
})

/** A view in step with a store that holds these grants after this event. */
const inStep = (grants: readonly Grant[] = [], sequence = 0, view: View = createView()): View => {
  const next = view.resync(sequence)
  for (const grant of grants) next.load(grant, statementOf(grant))
  next.commit()
  return view
}
const liveIn = (view: View): string[] => [...view.all()].map(({ grant }) => statementOf(grant)).sort()
const setOf = (view: View): string => view.at(view.sequence())?.set ?? expect.fail('no set hash')

const first = aGrant()
const second = aGrant({ version: 2, until: noon + 5 })

describe('A view', () => {
  test('is not ready until it was once in step, and then stays so', () => {
    const view = createView()
    expect(view.ready()).toBe(false)
    view.resync(3)
    expect(view.ready()).toBe(false)
    expect(inStep([], 3, view).ready()).toBe(true)
    view.resync(9)
    expect([view.ready(), view.sequence()]).toEqual([true, 3])
  })

  test('finds a grant by its holder under each of its services', () => {
    const view = inStep([aGrant({ services: ['orders-svc', 'payments-svc'] })])
    expect(view.heldBy('orders-svc', who)?.grants).toHaveLength(1)
    expect(view.heldBy('payments-svc', who)?.grants).toHaveLength(1)
    expect(view.heldBy('orders-svc', 'somebody else')).toBeUndefined()
  })

  test('keeps who is locked through resyncs and before the first one, until they are unlocked', () => {
    const view = createView()
    view.lock(who)
    expect([view.isLocked(who), view.isLocked('somebody else')]).toEqual([true, false])
    inStep([aGrant()], 3, view)
    inStep([], 5, view)
    expect(view.isLocked(who)).toBe(true)
    view.unlock('somebody else')
    expect(view.isLocked(who)).toBe(true)
    view.unlock(who)
    expect(view.isLocked(who)).toBe(false)
  })

  test('finds the same record of what somebody holds each time, until it changes', () => {
    const view = inStep([aGrant()])
    const held = view.heldBy('orders-svc', who)
    expect(view.heldBy('orders-svc', who)).toBe(held)
    view.apply(given(1, aGrant({ id: nthId(2) })))
    expect(view.heldBy('orders-svc', who)).not.toBe(held)
    expect(view.heldBy('orders-svc', who)?.grants).toHaveLength(2)
  })

  test('forgets an ended grant under each of its services, and leaves the others', () => {
    const two = aGrant({ services: ['orders-svc', 'payments-svc'] })
    const other = aGrant({ id: nthId(2) })
    const view = inStep([two, other])
    expect(view.apply(over(1, two)).ended?.grant).toEqual(two)
    expect(view.heldBy('orders-svc', who)?.grants.map(({ grant }) => grant.id)).toEqual([other.id])
    expect(view.heldBy('payments-svc', who)).toBeUndefined()
    expect(view.get(two.id)).toBeUndefined()
  })

  test('takes a newer version in the place of the older', () => {
    const view = inStep([first])
    expect(view.apply(given(1, second)).given?.grant).toEqual(second)
    expect(view.heldBy('orders-svc', who)?.grants.map(({ grant }) => grant.version)).toEqual([2])
  })

  test.each([
    ['an older version', second, first],
    ['the same version', second, aGrant({ version: 2, tier: 'admin' })],
  ])('never goes back to %s', (_, has, comes) => {
    const view = inStep([has])
    expect(view.apply(given(1, comes))).not.toHaveProperty('given')
    expect(view.get(has.id)?.grant).toEqual(has)
  })

  test('names the newer version that it holds when an older one comes, once as not proven, once as proven', () => {
    const view = inStep([second])
    const held = view.get(first.id) ?? expect.fail('it holds the grant')
    expect(view.apply(given(1, first))).toEqual({ gap: false, unproven: held })
    expect(view.proved(held)).toBe(false)
    expect(view.apply(given(2, first))).toEqual({ gap: false, newer: held })
  })

  test('lets an end beat every version, also one that comes later', () => {
    const view = inStep([first])
    view.apply(over(1, first))
    view.apply(given(2, aGrant({ version: 99 })))
    expect(liveIn(view)).toEqual([])
  })

  test('lets an end beat a grant that it comes before', () => {
    const view = inStep()
    expect(view.apply(over(1, first))).toEqual({ gap: false })
    expect(view.apply(given(2, first))).toEqual({ gap: false })
    expect(liveIn(view)).toEqual([])
  })

  test('lets an end beat what an older store brings back in a resync', () => {
    const view = inStep([first], 4)
    view.apply(over(5, first))
    inStep([first, aGrant({ version: 7 })], 2, view)
    expect(liveIn(view)).toEqual([])
  })

  test('lets an end that comes during a resync beat what was loaded before', () => {
    const view = inStep()
    const next = view.resync(1)
    next.load(first, statementOf(first))
    next.apply(over(2, first))
    next.commit()
    expect(liveIn(view)).toEqual([])
  })

  test('says when events are missing, and does not apply what comes after', () => {
    const view = inStep([], 1)
    expect(view.apply(given(3, first))).toEqual({ gap: true })
    expect([view.sequence(), liveIn(view)]).toEqual([1, []])
  })

  test('passes over events it knows', () => {
    const view = inStep([first], 5)
    expect(view.apply(over(5, first))).toEqual({ gap: false })
    expect(liveIn(view)).toEqual([statementOf(first)])
  })

  test('goes on deciding by the old state during a resync', () => {
    const view = inStep([first], 1)
    const next = view.resync(2)
    next.load(aGrant({ id: nthId(2) }), 'another')
    expect(liveIn(view)).toEqual([statementOf(first)])
    next.commit()
    expect([...view.all()].map(({ statement }) => statement)).toEqual(['another'])
  })

  test('keeps what it verified through a resync, unless the statement changed', () => {
    const view = inStep([first])
    const held = view.get(first.id) ?? expect.fail('it holds the grant')
    held.verified = true
    inStep([first], 1, view)
    expect(view.get(first.id)).toBe(held)
    const next = view.resync(2)
    next.load(first, 'the same grant, signed anew')
    next.commit()
    expect(view.get(first.id)?.verified).toBe(false)
  })

  test('takes out what does not verify, and goes on agreeing with the count and set of others', () => {
    const [view, other] = [inStep([first]), inStep([first])]
    view.reject(view.get(first.id) ?? expect.fail('it holds the grant'))
    expect(liveIn(view)).toEqual([])
    expect(view.heldBy('orders-svc', who)).toBeUndefined()
    const more = given(1, aGrant({ id: nthId(2) }))
    view.apply(more)
    other.apply(more)
    expect(view.at(1)).toEqual(other.at(1))
  })

  test('counts its age from the newest head, which never goes back', () => {
    const view = inStep()
    expect(view.age(noon)).toBe(Number.POSITIVE_INFINITY)
    view.headSeen(noon)
    view.headSeen(noon - 500)
    expect(view.age(noon + 30)).toBe(30)
    expect(view.age(noon - 30)).toBe(0)
  })

  test('remembers its set at earlier sequence numbers, for heads that trail', () => {
    const view = inStep()
    const sets = [setOf(view)]
    for (let n = 1; n <= 600; n += 1) {
      view.apply(given(n, aGrant({ id: nthId(n) })))
      sets.push(setOf(view))
    }
    expect(view.at(600)).toEqual({ count: 600, set: sets[600] })
    expect(view.at(300)).toEqual({ count: 300, set: sets[300] })
    expect(view.at(10)).toBeUndefined()
  })
})

describe('A version that was proven', () => {
  const heldIn = (view: View, id = first.id) => view.get(id) ?? expect.fail('it holds the grant')
  const knowing = (grants: readonly Grant[] = [second]): View => {
    const view = inStep(grants)
    for (const { id } of grants) view.proved(heldIn(view, id))
    return view
  }

  test('is kept when an older store brings an older one back, as often as it does', () => {
    const view = knowing()
    for (let times = 1; times <= 3; times += 1) {
      const next = view.resync(times)
      expect(next.load(first, statementOf(first))?.grant).toEqual(second)
      next.commit()
      expect(liveIn(view)).toEqual([statementOf(second)])
      expect(view.heldBy('orders-svc', who)?.grants.map(({ grant }) => grant)).toEqual([second])
      expect(view.at(times)).toEqual(inStep([second], times).at(times))
    }
  })

  test('is kept when the grant was gone in between', () => {
    const view = inStep([], 3, knowing())
    expect(liveIn(view)).toEqual([])
    expect(liveIn(inStep([first], 4, view))).toEqual([statementOf(second)])
  })

  test('is kept when the older one comes as an event', () => {
    const view = inStep([], 3, knowing())
    expect(view.apply(given(4, first))).toMatchObject({ given: { grant: second }, newer: { grant: second } })
    expect(liveIn(view)).toEqual([statementOf(second)])
    expect(view.at(4)).toEqual(inStep([second], 4).at(4))
  })

  test('is kept where it was only known to a resync that was given up', () => {
    const view = inStep([first])
    const givenUp = view.resync(1)
    givenUp.apply(given(2, second))
    const next = view.resync(1)
    const [unproven] = next.unprovenOf(first)
    expect(unproven?.grant).toEqual(second)
    view.proved(unproven ?? expect.fail('it knows the newer one'))
    next.load(first, statementOf(first))
    next.commit()
    expect(liveIn(view)).toEqual([statementOf(second)])
  })

  test('is kept where a forged version took its place for a moment', () => {
    const view = knowing()
    view.apply(given(1, aGrant({ version: 9 })))
    view.reject(heldIn(view))
    expect(liveIn(inStep([first], 2, view))).toEqual([statementOf(second)])
  })

  test('is kept where a forged end took it away for a moment', () => {
    const view = knowing()
    view.apply(over(1, second))
    view.disbelieveEnd(second.id)
    expect(liveIn(inStep([first], 2, view))).toEqual([statementOf(second)])
  })

  test('takes the place of an older one that was taken before the proof was there', () => {
    const view = inStep([second])
    const held = heldIn(view)
    inStep([first], 1, view)
    expect(liveIn(view)).toEqual([statementOf(first)])
    expect(view.proved(held)).toBe(true)
    expect(view.proved(held)).toBe(false)
    expect(liveIn(view)).toEqual([statementOf(second)])
    expect(view.at(1)).toEqual(inStep([second], 1).at(1))
  })

  test('takes it, too, in what is being loaded, and in nothing that does not hold the grant', () => {
    const view = inStep([second])
    const held = heldIn(view)
    const next = view.resync(1)
    next.load(first, statementOf(first))
    expect(view.proved(held)).toBe(true)
    expect(next.get(first.id)).toBe(held)
    const other = inStep([second])
    const gone = heldIn(other)
    inStep([], 1, other)
    expect(other.proved(gone)).toBe(false)
    expect(liveIn(other)).toEqual([])
  })

  test('gives way to a newer one, to what Redis holds of the same version, and to its end', () => {
    expect(liveIn(inStep([aGrant({ version: 3 })], 1, knowing()))).toEqual([`${first.id} v3`])
    const view = knowing()
    const next = view.resync(1)
    next.load(second, 'the same version, signed anew')
    next.commit()
    expect(heldIn(view).statement).toBe('the same version, signed anew')
    view.apply(over(2, second))
    view.proveEnd(anEnd(second))
    view.proved(heldIn(knowing()))
    expect(liveIn(inStep([first], 3, view))).toEqual([])
  })

  test('is not one that nobody has proven: what Redis holds counts', () => {
    const view = inStep([second])
    const next = view.resync(1)
    expect(next.load(first, statementOf(first))).toBeUndefined()
    expect(next.unprovenOf(first).map(({ grant }) => grant)).toEqual([second])
    next.commit()
    expect(liveIn(view)).toEqual([statementOf(first)])
  })

  test('is named among what nobody has proven where it is not loaded at all', () => {
    const view = inStep([second])
    const next = view.resync(1)
    expect(next.unproven().map(({ grant }) => grant)).toEqual([second])
    next.load(second, statementOf(second))
    expect(next.unproven()).toEqual([])
  })
})

test('A flood of forged ends makes no view forget a proven one', () => {
  const view = inStep([first])
  view.apply(over(1, first))
  view.proveEnd(anEnd(first))
  for (let n = 1; n <= 200_001; n += 1) view.endEarly(anEnd(first, { id: nthId(n) }))
  expect(view.endProven(first.id)).toBe(true)
  expect(liveIn(inStep([first], 2, view))).toEqual([])
})

describe('The set hash of a view', () => {
  test('is equal for the same live set, whatever led there', () => {
    const [a, b] = [aGrant({ id: nthId(1) }), aGrant({ id: nthId(2) })]
    const straight = inStep([a, b], 9)
    const around = inStep([a])
    for (const event of [
      given(1, aGrant({ id: nthId(3) })),
      given(2, aGrant({ id: nthId(2), version: 1 })),
      over(3, aGrant({ id: nthId(3) })),
    ])
      around.apply(event)
    expect(setOf(around)).toBe(setOf(straight))
  })

  test('differs for every change of the live set', () => {
    const sets = [[], [first], [second], [aGrant({ id: nthId(2) })], [first, aGrant({ id: nthId(2) })]].map(
      (grants) => setOf(inStep(grants)),
    )
    expect(new Set(sets).size).toBe(sets.length)
  })
})

describe('After any history', () => {
  const change = fc.record({
    id: fc.integer({ min: 1, max: 4 }).map(nthId),
    version: fc.integer({ min: 1, max: 4 }),
    kind: fc.constantFrom<'grant' | 'end' | 'resync'>('grant', 'grant', 'end', 'resync'),
  })

  test('a view holds what the plainest model holds', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const view = inStep()
        const live = new Map<string, Grant>()
        const ended = new Set<string>()
        for (const [index, { id, version, kind }] of changes.entries()) {
          const grant = aGrant({ id, version })
          if (kind === 'resync') inStep([...live.values(), aGrant({ id, version: 1 })], index + 1, view)
          else view.apply(kind === 'grant' ? given(index + 1, grant) : over(index + 1, grant))
          const comes = kind === 'resync' ? aGrant({ id, version: 1 }) : grant
          if (kind === 'end') {
            ended.add(id)
            live.delete(id)
          } else if (!ended.has(id) && (live.get(id)?.version ?? 0) < comes.version) live.set(id, comes)
        }
        expect(liveIn(view)).toEqual([...live.values()].map(statementOf).sort())
        expect(view.at(view.sequence())).toEqual({ count: live.size, set: setOf(inStep([...live.values()])) })
        expect(view.heldBy('orders-svc', who)?.grants ?? []).toHaveLength(live.size)
      }),
      { numRuns: 300 },
    )
  })

  test('replaying the events of a snapshot’s time onto it leads to the same state', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), fc.nat(), (changes, cut) => {
        const versions = new Map<string, number>()
        const events: ViewEvent[] = []
        for (const { id, kind } of changes) {
          // As the store writes it: each version follows on the one before, and nothing follows an end.
          const version = (versions.get(id) ?? 0) + 1
          if (version === Number.POSITIVE_INFINITY || (kind === 'end' && version === 1)) continue
          versions.set(id, kind === 'end' ? Number.POSITIVE_INFINITY : version)
          const grant = aGrant({ id, version })
          events.push(kind === 'end' ? over(events.length + 1, grant) : given(events.length + 1, grant))
        }
        const straight = inStep()
        for (const event of events) straight.apply(event)
        // A snapshot read while changes go on: it begins after event `from`, and already holds what came later.
        const from = events.length === 0 ? 0 : cut % (events.length + 1)
        const late = createView()
        const next = late.resync(from)
        for (const { grant, statement } of straight.all()) next.load(grant, statement)
        for (const event of events.slice(from)) next.apply(event)
        next.commit()
        expect(liveIn(late)).toEqual(liveIn(straight))
        expect(setOf(late)).toBe(setOf(straight))
      }),
      { numRuns: 200 },
    )
  })
})

describe('A grant that comes as new', () => {
  const heldIn = (view: View): string[] =>
    (view.heldBy('orders-svc', who)?.grants ?? []).map(({ grant }) => statementOf(grant)).sort()
  const other = aGrant({ id: nthId(2) })
  const headAt = noon + 5_000

  /** In step, with a head of then. */
  const attested = (at: number): View => {
    const view = inStep()
    view.headSeen(at)
    return view
  }

  test('decides at once where it was signed about when the newest head was, or later', () => {
    const view = attested(headAt)
    view.apply(given(1, aGrant({ at: noon })))
    view.apply(given(2, aGrant({ id: nthId(2), at: headAt + 60_000 })))
    expect(heldIn(view)).toHaveLength(2)
  })

  test('and was signed long before the newest head, decides once a head agrees to it', () => {
    const view = attested(headAt + 1)
    view.apply(given(1, aGrant({ at: noon })))
    view.apply(given(2, aGrant({ id: nthId(2), at: headAt })))
    expect(heldIn(view)).toEqual([statementOf(other)])
    expect(liveIn(view)).toHaveLength(2)
    view.agreed(0)
    expect(heldIn(view)).toEqual([statementOf(other)])
    view.agreed(1)
    expect(heldIn(view)).toHaveLength(2)
  })

  test('and waits, does not decide by its next version either', () => {
    const view = attested(headAt + 1)
    view.apply(given(1, aGrant({ at: noon })))
    view.apply(given(2, aGrant({ version: 2, at: headAt })))
    view.agreed(1)
    expect(heldIn(view)).toEqual([])
    view.agreed(2)
    expect(heldIn(view)).toEqual([statementOf(second)])
  })

  test('stays out where it ended before a head agreed', () => {
    const view = attested(headAt + 1)
    view.apply(given(1, aGrant({ at: noon })))
    view.apply(over(2, aGrant()))
    view.agreed(2)
    expect([heldIn(view), liveIn(view)]).toEqual([[], []])
  })

  test('decides no more where the next head does not agree, until one does', () => {
    const view = inStep([other])
    view.apply(given(1, first))
    expect(view.disagreed().map(({ grant }) => grant.id)).toEqual([first.id])
    expect(heldIn(view)).toEqual([statementOf(other)])
    expect(view.disagreed()).toEqual([])
    view.agreed(1)
    expect(heldIn(view)).toHaveLength(2)
    expect(view.disagreed()).toEqual([])
  })

  test('as a newer version of one that is held decides at once, however long ago it was signed', () => {
    const view = inStep([first])
    view.headSeen(headAt + 60_000)
    view.apply(given(1, second))
    expect(heldIn(view)).toEqual([statementOf(second)])
    expect(view.disagreed()).toEqual([])
  })

  test('is old news only where nothing of it is held, and it was signed that long before the newest head', () => {
    const view = inStep([other])
    expect(view.isStaleNews(first, 0)).toBe(false)
    view.headSeen(noon + 60_000)
    const at = (at: number) => view.isStaleNews(aGrant({ at }), 60_000)
    expect([at(noon), at(noon - 1), view.isStaleNews(other, 0)]).toEqual([false, true, false])
  })
})
