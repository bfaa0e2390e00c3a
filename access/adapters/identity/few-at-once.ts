/** Lets so many pieces of work be under way at once; the others begin in their order, each when one before it has ended. */
export const fewAtOnce = (most: number) => {
  let underWay = 0
  const waiting: (() => void)[] = []
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (underWay < most) underWay += 1
    else await new Promise<void>((begin) => waiting.push(begin))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) underWay -= 1
      else next()
    }
  }
}
