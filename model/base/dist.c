/* base/dist.c - see dist.h. Pure functions of integers.
 *
 * -ln and powers come from tables of log2 and exp2 with linear interpolation (relative error below
 * 2e-6), in 32.32 fixed point; so that every compiler and word size samples the same values. */
#include "model/base/dist.h"

#include <string.h>

#include "model/base/check.h"
#include "model/base/wide.h"

/* log2(1 + i/256) * 2^32 */
static const uint64_t LOG2_TABLE[257] = {
    0ull,          24157255ull,   48220695ull,   72191046ull,   96069025ull,   119855343ull,
    143550699ull,  167155786ull,  190671291ull,  214097890ull,  237436253ull,  260687042ull,
    283850912ull,  306928510ull,  329920477ull,  352827446ull,  375650043ull,  398388887ull,
    421044590ull,  443617759ull,  466108993ull,  488518883ull,  510848017ull,  533096975ull,
    555266330ull,  577356649ull,  599368495ull,  621302422ull,  643158981ull,  664938715ull,
    686642163ull,  708269857ull,  729822324ull,  751300086ull,  772703658ull,  794033552ull,
    815290272ull,  836474320ull,  857586191ull,  878626374ull,  899595355ull,  920493615ull,
    941321628ull,  962079865ull,  982768792ull,  1003388871ull, 1023940559ull, 1044424306ull,
    1064840562ull, 1085189769ull, 1105472367ull, 1125688789ull, 1145839467ull, 1165924827ull,
    1185945290ull, 1205901275ull, 1225793196ull, 1245621463ull, 1265386481ull, 1285088654ull,
    1304728379ull, 1324306051ull, 1343822060ull, 1363276795ull, 1382670639ull, 1402003972ull,
    1421277169ull, 1440490605ull, 1459644648ull, 1478739665ull, 1497776018ull, 1516754066ull,
    1535674166ull, 1554536671ull, 1573341930ull, 1592090289ull, 1610782092ull, 1629417679ull,
    1647997388ull, 1666521551ull, 1684990500ull, 1703404565ull, 1721764068ull, 1740069334ull,
    1758320682ull, 1776518428ull, 1794662886ull, 1812754368ull, 1830793181ull, 1848779632ull,
    1866714024ull, 1884596657ull, 1902427829ull, 1920207835ull, 1937936969ull, 1955615520ull,
    1973243777ull, 1990822024ull, 2008350545ull, 2025829620ull, 2043259528ull, 2060640543ull,
    2077972941ull, 2095256991ull, 2112492963ull, 2129681124ull, 2146821738ull, 2163915068ull,
    2180961373ull, 2197960912ull, 2214913940ull, 2231820712ull, 2248681479ull, 2265496490ull,
    2282265995ull, 2298990237ull, 2315669461ull, 2332303909ull, 2348893820ull, 2365439432ull,
    2381940981ull, 2398398701ull, 2414812824ull, 2431183582ull, 2447511201ull, 2463795910ull,
    2480037932ull, 2496237492ull, 2512394810ull, 2528510107ull, 2544583599ull, 2560615505ull,
    2576606038ull, 2592555411ull, 2608463835ull, 2624331521ull, 2640158677ull, 2655945509ull,
    2671692221ull, 2687399018ull, 2703066101ull, 2718693670ull, 2734281925ull, 2749831063ull,
    2765341278ull, 2780812767ull, 2796245722ull, 2811640333ull, 2826996792ull, 2842315287ull,
    2857596005ull, 2872839132ull, 2888044853ull, 2903213350ull, 2918344806ull, 2933439400ull,
    2948497313ull, 2963518722ull, 2978503803ull, 2993452732ull, 3008365682ull, 3023242827ull,
    3038084339ull, 3052890387ull, 3067661140ull, 3082396766ull, 3097097433ull, 3111763305ull,
    3126394546ull, 3140991321ull, 3155553791ull, 3170082117ull, 3184576458ull, 3199036973ull,
    3213463820ull, 3227857155ull, 3242217134ull, 3256543910ull, 3270837638ull, 3285098468ull,
    3299326552ull, 3313522041ull, 3327685082ull, 3341815825ull, 3355914416ull, 3369981001ull,
    3384015725ull, 3398018732ull, 3411990165ull, 3425930167ull, 3439838878ull, 3453716438ull,
    3467562987ull, 3481378662ull, 3495163602ull, 3508917943ull, 3522641820ull, 3536335369ull,
    3549998721ull, 3563632012ull, 3577235372ull, 3590808933ull, 3604352825ull, 3617867177ull,
    3631352118ull, 3644807776ull, 3658234277ull, 3671631748ull, 3685000315ull, 3698340100ull,
    3711651229ull, 3724933824ull, 3738188006ull, 3751413898ull, 3764611620ull, 3777781291ull,
    3790923031ull, 3804036958ull, 3817123189ull, 3830181840ull, 3843213029ull, 3856216870ull,
    3869193478ull, 3882142967ull, 3895065449ull, 3907961038ull, 3920829844ull, 3933671979ull,
    3946487554ull, 3959276677ull, 3972039458ull, 3984776005ull, 3997486426ull, 4010170828ull,
    4022829316ull, 4035461997ull, 4048068976ull, 4060650357ull, 4073206244ull, 4085736740ull,
    4098241947ull, 4110721967ull, 4123176902ull, 4135606852ull, 4148011918ull, 4160392197ull,
    4172747791ull, 4185078796ull, 4197385310ull, 4209667431ull, 4221925255ull, 4234158878ull,
    4246368396ull, 4258553902ull, 4270715492ull, 4282853259ull, 4294967296ull,
};

/* 2^(i/256) * 2^31 */
static const uint64_t EXP2_TABLE[257] = {
    2147483648ull, 2153306067ull, 2159144272ull, 2164998306ull, 2170868212ull, 2176754033ull,
    2182655811ull, 2188573592ull, 2194507417ull, 2200457330ull, 2206423375ull, 2212405596ull,
    2218404036ull, 2224418739ull, 2230449750ull, 2236497113ull, 2242560872ull, 2248641071ull,
    2254737756ull, 2260850970ull, 2266980759ull, 2273127167ull, 2279290240ull, 2285470023ull,
    2291666561ull, 2297879899ull, 2304110083ull, 2310357160ull, 2316621173ull, 2322902170ull,
    2329200197ull, 2335515300ull, 2341847524ull, 2348196917ull, 2354563524ull, 2360947394ull,
    2367348571ull, 2373767105ull, 2380203040ull, 2386656425ull, 2393127307ull, 2399615734ull,
    2406121752ull, 2412645410ull, 2419186755ull, 2425745836ull, 2432322700ull, 2438917396ull,
    2445529972ull, 2452160476ull, 2458808958ull, 2465475465ull, 2472160047ull, 2478862753ull,
    2485583632ull, 2492322733ull, 2499080105ull, 2505855799ull, 2512649863ull, 2519462348ull,
    2526293303ull, 2533142779ull, 2540010826ull, 2546897494ull, 2553802834ull, 2560726895ull,
    2567669730ull, 2574631389ull, 2581611923ull, 2588611383ull, 2595629821ull, 2602667287ull,
    2609723834ull, 2616799513ull, 2623894376ull, 2631008476ull, 2638141863ull, 2645294591ull,
    2652466713ull, 2659658279ull, 2666869345ull, 2674099961ull, 2681350181ull, 2688620059ull,
    2695909648ull, 2703219000ull, 2710548171ull, 2717897212ull, 2725266179ull, 2732655125ull,
    2740064105ull, 2747493172ull, 2754942382ull, 2762411789ull, 2769901447ull, 2777411411ull,
    2784941738ull, 2792492481ull, 2800063696ull, 2807655439ull, 2815267765ull, 2822900730ull,
    2830554390ull, 2838228802ull, 2845924021ull, 2853640104ull, 2861377107ull, 2869135087ull,
    2876914102ull, 2884714207ull, 2892535461ull, 2900377920ull, 2908241642ull, 2916126685ull,
    2924033107ull, 2931960965ull, 2939910317ull, 2947881223ull, 2955873740ull, 2963887926ull,
    2971923842ull, 2979981545ull, 2988061094ull, 2996162550ull, 3004285971ull, 3012431416ull,
    3020598946ull, 3028788621ull, 3037000500ull, 3045234644ull, 3053491112ull, 3061769967ull,
    3070071267ull, 3078395075ull, 3086741451ull, 3095110456ull, 3103502151ull, 3111916599ull,
    3120353861ull, 3128813999ull, 3137297074ull, 3145803149ull, 3154332287ull, 3162884549ull,
    3171459999ull, 3180058700ull, 3188680714ull, 3197326104ull, 3205994934ull, 3214687269ull,
    3223403170ull, 3232142703ull, 3240905930ull, 3249692918ull, 3258503729ull, 3267338429ull,
    3276197082ull, 3285079754ull, 3293986508ull, 3302917412ull, 3311872529ull, 3320851927ull,
    3329855670ull, 3338883824ull, 3347936457ull, 3357013633ull, 3366115421ull, 3375241885ull,
    3384393094ull, 3393569115ull, 3402770014ull, 3411995860ull, 3421246719ull, 3430522660ull,
    3439823750ull, 3449150059ull, 3458501653ull, 3467878602ull, 3477280975ull, 3486708840ull,
    3496162267ull, 3505641324ull, 3515146082ull, 3524676610ull, 3534232978ull, 3543815256ull,
    3553423514ull, 3563057822ull, 3572718252ull, 3582404874ull, 3592117759ull, 3601856978ull,
    3611622603ull, 3621414705ull, 3631233356ull, 3641078629ull, 3650950594ull, 3660849326ull,
    3670774895ull, 3680727376ull, 3690706840ull, 3700713361ull, 3710747013ull, 3720807869ull,
    3730896002ull, 3741011488ull, 3751154399ull, 3761324810ull, 3771522796ull, 3781748432ull,
    3792001792ull, 3802282952ull, 3812591987ull, 3822928972ull, 3833293984ull, 3843687099ull,
    3854108391ull, 3864557939ull, 3875035819ull, 3885542107ull, 3896076880ull, 3906640216ull,
    3917232192ull, 3927852886ull, 3938502376ull, 3949180739ull, 3959888054ull, 3970624400ull,
    3981389855ull, 3992184498ull, 4003008408ull, 4013861665ull, 4024744348ull, 4035656537ull,
    4046598312ull, 4057569753ull, 4068570940ull, 4079601955ull, 4090662878ull, 4101753790ull,
    4112874773ull, 4124025908ull, 4135207276ull, 4146418961ull, 4157661043ull, 4168933606ull,
    4180236731ull, 4191570503ull, 4202935003ull, 4214330316ull, 4225756525ull, 4237213713ull,
    4248701965ull, 4260221365ull, 4271771996ull, 4283353945ull, 4294967296ull,
};

#define ONE (1ULL << 32) /* 1.0 in 32.32 fixed point */
#define LN_2 2977044472ULL
#define LOG2_E 6196328019ULL

/* a * b of 32.32 numbers (or an integer and one), saturating. */
static uint64_t multiply_fixed(uint64_t a, uint64_t b) {
    struct product p = multiply(a, b);
    return p.high >> 32 != 0 ? UINT64_MAX : p.high << 32 | p.low >> 32;
}

static uint64_t add_saturating(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

/* log2 of `value` > 0, 32.32. */
static uint64_t log2_fixed(uint64_t value) {
    RMQ_ASSERT(value > 0);
    unsigned zeros = (unsigned)__builtin_clzll(value);
    uint64_t mantissa = value << zeros; /* 1.f, top bit set */
    unsigned i = (unsigned)(mantissa >> 55) & 0xff;
    uint64_t rest = mantissa >> 23 & 0xffffffffULL;
    uint64_t fraction = LOG2_TABLE[i] + ((LOG2_TABLE[i + 1] - LOG2_TABLE[i]) * rest >> 32);
    return ((uint64_t)(63 - zeros) << 32) + fraction;
}

/* -log2(u / 2^64) for a uniform u, 32.32, in (0, 64]. */
static uint64_t minus_log2_of(uint64_t u) {
    return 64 * ONE - log2_fixed(u == 0 ? 1 : u);
}

/* value * 2^exponent, exponent 32.32, saturating. */
static uint64_t scale_by_exp2(uint64_t value, uint64_t exponent) {
    unsigned whole = exponent >> 32 > 64 ? 64 : (unsigned)(exponent >> 32);
    unsigned i = (unsigned)(exponent >> 24) & 0xff;
    uint64_t rest = exponent & 0xffffff;
    uint64_t power = EXP2_TABLE[i] + ((EXP2_TABLE[i + 1] - EXP2_TABLE[i]) * rest >> 24);
    struct product p = multiply(value, power); /* scaled by 2^31 */
    if (p.high >> 31 != 0) {
        return UINT64_MAX;
    }
    uint64_t scaled = p.high << 33 | p.low >> 31;
    if (scaled == 0 || whole == 0) {
        return scaled;
    }
    return whole > (unsigned)__builtin_clzll(scaled) ? UINT64_MAX : scaled << whole;
}

/* 2^-exponent, 32.32 both. */
static uint64_t exp2_minus(uint64_t exponent) {
    uint64_t whole = exponent >> 32;
    uint64_t fraction = exponent & (ONE - 1);
    if (whole >= 32) {
        return 0;
    }
    return scale_by_exp2(ONE >> 1, ONE - fraction) >> whole; /* 2^-f = 2^(1-f) / 2 */
}

static uint64_t cut(const struct dist *dist, uint64_t value) {
    return dist->max != 0 && value > dist->max ? dist->max : value;
}

static uint64_t sample_table(const struct dist *dist, uint64_t u) {
    uint32_t weight = (uint32_t)(u >> 32);
    uint32_t i = 0;
    while (weight > dist->upto[i]) {
        i++;
        RMQ_ASSERT(i < dist->count);
    }
    if (i == 0) {
        return dist->value[0];
    }
    uint64_t span = dist->value[i] - dist->value[i - 1];
    uint64_t position = (((uint64_t)weight - dist->upto[i - 1]) << 32 | (u & 0xffffffffULL)) /
                        (dist->upto[i] - dist->upto[i - 1]); /* 32.32, in (0, 1 + 2^-32) */
    return dist->value[i - 1] + multiply_fixed(span, position < ONE ? position : ONE);
}

uint64_t dist_sample(const struct dist *dist, uint64_t u) {
    switch (dist->kind) {
    case DIST_CONSTANT:
        return dist->min;
    case DIST_UNIFORM: {
        uint64_t width = dist->max - dist->min + 1; /* 0: the whole range */
        return width == 0 ? u : dist->min + multiply(u, width).high;
    }
    case DIST_EXPONENTIAL:
        return cut(dist, add_saturating(
                             dist->min,
                             multiply_fixed(dist->mean, multiply_fixed(minus_log2_of(u), LN_2))));
    case DIST_PARETO: /* scale * u^(-1/alpha) */
        return cut(dist, scale_by_exp2(dist->min, minus_log2_of(u) / dist->alpha_milli * 1000));
    case DIST_TABLE:
        return sample_table(dist, u);
    }
    RMQ_UNREACHABLE();
}

bool dist_equal(const struct dist *a, const struct dist *b) {
    return a->kind == b->kind && a->min == b->min && a->max == b->max && a->mean == b->mean &&
           a->alpha_milli == b->alpha_milli && a->count == b->count &&
           memcmp(a->value, b->value, sizeof a->value) == 0 &&
           memcmp(a->upto, b->upto, sizeof a->upto) == 0;
}

static uint64_t mean_of_exponential(const struct dist *dist) {
    if (dist->max == 0 || dist->mean == 0) {
        return dist->min + dist->mean;
    }
    if (dist->max <= dist->min) {
        return dist->max;
    }
    uint64_t room = dist->max - dist->min;
    uint64_t ratio =
        room / dist->mean >= 64
            ? 64 * ONE /* what is cut off rounds to nothing */
            : room / dist->mean * ONE + (room % dist->mean) * (ONE >> 8) / dist->mean * 256;
    uint64_t beyond = exp2_minus(multiply_fixed(ratio, LOG2_E));
    return dist->min + dist->mean - multiply_fixed(dist->mean, beyond);
}

/* E min(X, M) = s (a - (s/M)^(a-1)) / (a-1) */
static uint64_t mean_of_pareto(const struct dist *dist) {
    uint64_t over = dist->alpha_milli - 1000; /* (a - 1) x 1000 */
    uint64_t beyond = 0;
    if (dist->max > dist->min) {
        uint64_t ratio_log2 = log2_fixed(dist->max) - log2_fixed(dist->min);
        beyond = exp2_minus(multiply(ratio_log2, over).low / 1000);
    } else if (dist->max != 0) {
        return dist->max;
    }
    uint64_t numerator = (uint64_t)dist->alpha_milli * ONE - beyond * 1000; /* milli, 32.32 */
    return multiply_fixed(dist->min, numerator / over);
}

static uint64_t mean_of_table(const struct dist *dist) {
    uint64_t mean = multiply_fixed(dist->value[0], (uint64_t)dist->upto[0] + 1);
    for (uint32_t i = 1; i < dist->count; i++) {
        uint64_t middle = dist->value[i - 1] + (dist->value[i] - dist->value[i - 1]) / 2;
        mean += multiply_fixed(middle, dist->upto[i] - dist->upto[i - 1]);
    }
    return mean;
}

uint64_t dist_mean(const struct dist *dist) {
    switch (dist->kind) {
    case DIST_CONSTANT:
        return dist->min;
    case DIST_UNIFORM:
        return dist->min + (dist->max - dist->min) / 2;
    case DIST_EXPONENTIAL:
        return mean_of_exponential(dist);
    case DIST_PARETO:
        return mean_of_pareto(dist);
    case DIST_TABLE:
        return mean_of_table(dist);
    }
    RMQ_UNREACHABLE();
}

/* Takes the next number of "a:b:c" off *rest. */
static bool take_number(struct span *rest, uint64_t *out) {
    struct span part;
    return span_next_part(rest, ':', &part) && span_to_u64(part, out) == RMQ_OK;
}

int dist_parse(struct span text, struct dist *out) {
    struct span rest = text, kind;
    struct dist dist;
    bool ok = true;
    memset(&dist, 0, sizeof dist);
    if (span_to_u64(text, &dist.min) == RMQ_OK) {
        *out = dist;
        return RMQ_OK;
    }
    if (!span_next_part(&rest, ':', &kind))
        return RMQ_E_INVALID;
    if (span_equal(kind, SPAN_LITERAL("constant"))) {
        ok = take_number(&rest, &dist.min);
    } else if (span_equal(kind, SPAN_LITERAL("uniform"))) {
        dist.kind = DIST_UNIFORM;
        ok = take_number(&rest, &dist.min) && take_number(&rest, &dist.max) && dist.min <= dist.max;
    } else if (span_equal(kind, SPAN_LITERAL("exponential"))) {
        dist.kind = DIST_EXPONENTIAL;
        ok = take_number(&rest, &dist.min) && take_number(&rest, &dist.mean) &&
             take_number(&rest, &dist.max);
    } else {
        ok = false;
    }
    if (!ok || rest.len > 0)
        return RMQ_E_INVALID;
    *out = dist;
    return RMQ_OK;
}
