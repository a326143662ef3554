import Testing

@testable import WeightmillFeedback

@Suite struct MomentFactorTests {}
