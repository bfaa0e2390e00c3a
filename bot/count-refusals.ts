const samples = 20
const periodMs = 60_000

/**
 * Counts what is refused, and has the first of each minute told, then one in a thousand: a flood must cost next to
 * nothing, and must hide nothing that comes after it. `tell` gets the count of all so far.
 */
export const countRefusals = (now: () => number) => {
  let count = 0
  let lately = 0
  let since = now()
  return (tell: (count: number) => void): void => {
    count += 1
    if (now() - since >= periodMs) {
      since = now()
      lately = 0
    }
    lately += 1
    if (lately <= samples || lately % 1_000 === 0) tell(count)
  }
}
