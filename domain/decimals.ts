/** Decimal values that are multiples of one step, such as prices on a tick of 0.01. */
export interface Grid {
  readonly step: number;
  /** The smallest multiple of the step that is not below the value. */
  up(value: number): number;
  /** The largest multiple of the step that is not above the value. */
  down(value: number): number;
  /** The nearest multiple of the step; halves go away from zero. */
  nearest(value: number): number;
  /** Whether the value is the number closest to a multiple of the step. */
  has(value: number): boolean;
}

// A product of three decimals is off by at most 2 units in the last place (2^-52 each); this leaves a wide margin and
// stays far below the smallest fraction of a step that prices, rates and quantities can really make.
const noise = 2 ** -49;

/**
 * A grid whose results are exact decimals: the double nearest to n × step, so that writing it out gives that decimal.
 * Values that only the binary representation put beside a multiple (0.1 + 0.2) count as that multiple.
 * @param step a positive decimal with at most 12 decimal places
 */
export function gridOf(step: number): Grid {
  const decimals = decimalPlaces(step);
  const scale = 10 ** decimals;
  const units = Math.round(step * scale);

  // Both are whole numbers, so the one division is rounded correctly.
  const multiple = (count: number): number => (count * units) / scale;
  const count = (value: number): number => {
    const steps = (value * scale) / units;
    if (!(Math.abs(steps) * units <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`${value} cannot be held exactly in steps of ${step}`);
    }
    return steps;
  };

  return {
    step,
    up(value) {
      const steps = count(value);
      const whole = Math.round(steps);
      return multiple(Math.abs(steps - whole) <= Math.abs(steps) * noise ? whole : Math.ceil(steps));
    },
    down(value) {
      const steps = count(value);
      const whole = Math.round(steps);
      return multiple(Math.abs(steps - whole) <= Math.abs(steps) * noise ? whole : Math.floor(steps));
    },
    nearest(value) {
      const steps = count(Math.abs(value));
      const rounded = multiple(Math.floor(steps + 0.5 + steps * noise));
      return value < 0 && rounded !== 0 ? -rounded : rounded;
    },
    has(value) {
      return Number.isFinite(value) && multiple(Math.round(count(value))) === value;
    },
  };
}

/** Amounts of money are kept to 8 decimals, exact up to 90 million. */
export const money: Grid = gridOf(0.00000001);

function decimalPlaces(step: number): number {
  if (step > 0) {
    for (let decimals = 0; decimals <= 12; decimals++) {
      const units = step * 10 ** decimals;
      if (Math.round(units) >= 1 && Math.abs(units - Math.round(units)) <= units * noise) {
        return decimals;
      }
    }
  }
  throw new RangeError(`A step must be a positive decimal with at most 12 decimal places, not ${step}`);
}
