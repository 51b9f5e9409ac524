package io.github.stubtail.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Proxies chat to upstream providers, with routing, failover and circuit breakers.
 * A complete answer is one whose call ended with OK, and nothing else is. A stream that breaks off,
 * stalls or fails upstream ends with an End that says so and then with a status that is not OK; what
 * a provider cut short is never told as finished. Before the first text of an answer another
 * provider may take over, unseen by the caller; after it, none does unless the caller allowed a restart,
 * which is an event of its own: two answers are never spliced.
 * The deadline of the call bounds everything; a caller that cancels closes the upstream connection.
 * The service is there only where a provider is configured (`[llm.providers.NAME]`).
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class LlmServiceGrpc {

  private LlmServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "stubtail.v1.LlmService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.stubtail.v1.ChatRequest,
      io.github.stubtail.v1.ChatResponse> getChatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Chat",
      requestType = io.github.stubtail.v1.ChatRequest.class,
      responseType = io.github.stubtail.v1.ChatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.stubtail.v1.ChatRequest,
      io.github.stubtail.v1.ChatResponse> getChatMethod() {
    io.grpc.MethodDescriptor<io.github.stubtail.v1.ChatRequest, io.github.stubtail.v1.ChatResponse> getChatMethod;
    if ((getChatMethod = LlmServiceGrpc.getChatMethod) == null) {
      synchronized (LlmServiceGrpc.class) {
        if ((getChatMethod = LlmServiceGrpc.getChatMethod) == null) {
          LlmServiceGrpc.getChatMethod = getChatMethod =
              io.grpc.MethodDescriptor.<io.github.stubtail.v1.ChatRequest, io.github.stubtail.v1.ChatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Chat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.ChatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.ChatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new LlmServiceMethodDescriptorSupplier("Chat"))
              .build();
        }
      }
    }
    return getChatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.stubtail.v1.ChatRequest,
      io.github.stubtail.v1.ChatStreamResponse> getChatStreamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ChatStream",
      requestType = io.github.stubtail.v1.ChatRequest.class,
      responseType = io.github.stubtail.v1.ChatStreamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.stubtail.v1.ChatRequest,
      io.github.stubtail.v1.ChatStreamResponse> getChatStreamMethod() {
    io.grpc.MethodDescriptor<io.github.stubtail.v1.ChatRequest, io.github.stubtail.v1.ChatStreamResponse> getChatStreamMethod;
    if ((getChatStreamMethod = LlmServiceGrpc.getChatStreamMethod) == null) {
      synchronized (LlmServiceGrpc.class) {
        if ((getChatStreamMethod = LlmServiceGrpc.getChatStreamMethod) == null) {
          LlmServiceGrpc.getChatStreamMethod = getChatStreamMethod =
              io.grpc.MethodDescriptor.<io.github.stubtail.v1.ChatRequest, io.github.stubtail.v1.ChatStreamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ChatStream"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.ChatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.ChatStreamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new LlmServiceMethodDescriptorSupplier("ChatStream"))
              .build();
        }
      }
    }
    return getChatStreamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.stubtail.v1.EmbedRequest,
      io.github.stubtail.v1.EmbedResponse> getEmbedMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Embed",
      requestType = io.github.stubtail.v1.EmbedRequest.class,
      responseType = io.github.stubtail.v1.EmbedResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.stubtail.v1.EmbedRequest,
      io.github.stubtail.v1.EmbedResponse> getEmbedMethod() {
    io.grpc.MethodDescriptor<io.github.stubtail.v1.EmbedRequest, io.github.stubtail.v1.EmbedResponse> getEmbedMethod;
    if ((getEmbedMethod = LlmServiceGrpc.getEmbedMethod) == null) {
      synchronized (LlmServiceGrpc.class) {
        if ((getEmbedMethod = LlmServiceGrpc.getEmbedMethod) == null) {
          LlmServiceGrpc.getEmbedMethod = getEmbedMethod =
              io.grpc.MethodDescriptor.<io.github.stubtail.v1.EmbedRequest, io.github.stubtail.v1.EmbedResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Embed"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.EmbedRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.EmbedResponse.getDefaultInstance()))
              .setSchemaDescriptor(new LlmServiceMethodDescriptorSupplier("Embed"))
              .build();
        }
      }
    }
    return getEmbedMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.stubtail.v1.LlmServiceListModelsRequest,
      io.github.stubtail.v1.LlmServiceListModelsResponse> getListModelsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListModels",
      requestType = io.github.stubtail.v1.LlmServiceListModelsRequest.class,
      responseType = io.github.stubtail.v1.LlmServiceListModelsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.stubtail.v1.LlmServiceListModelsRequest,
      io.github.stubtail.v1.LlmServiceListModelsResponse> getListModelsMethod() {
    io.grpc.MethodDescriptor<io.github.stubtail.v1.LlmServiceListModelsRequest, io.github.stubtail.v1.LlmServiceListModelsResponse> getListModelsMethod;
    if ((getListModelsMethod = LlmServiceGrpc.getListModelsMethod) == null) {
      synchronized (LlmServiceGrpc.class) {
        if ((getListModelsMethod = LlmServiceGrpc.getListModelsMethod) == null) {
          LlmServiceGrpc.getListModelsMethod = getListModelsMethod =
              io.grpc.MethodDescriptor.<io.github.stubtail.v1.LlmServiceListModelsRequest, io.github.stubtail.v1.LlmServiceListModelsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListModels"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.LlmServiceListModelsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.LlmServiceListModelsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new LlmServiceMethodDescriptorSupplier("ListModels"))
              .build();
        }
      }
    }
    return getListModelsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.stubtail.v1.GetProviderHealthRequest,
      io.github.stubtail.v1.GetProviderHealthResponse> getGetProviderHealthMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetProviderHealth",
      requestType = io.github.stubtail.v1.GetProviderHealthRequest.class,
      responseType = io.github.stubtail.v1.GetProviderHealthResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.stubtail.v1.GetProviderHealthRequest,
      io.github.stubtail.v1.GetProviderHealthResponse> getGetProviderHealthMethod() {
    io.grpc.MethodDescriptor<io.github.stubtail.v1.GetProviderHealthRequest, io.github.stubtail.v1.GetProviderHealthResponse> getGetProviderHealthMethod;
    if ((getGetProviderHealthMethod = LlmServiceGrpc.getGetProviderHealthMethod) == null) {
      synchronized (LlmServiceGrpc.class) {
        if ((getGetProviderHealthMethod = LlmServiceGrpc.getGetProviderHealthMethod) == null) {
          LlmServiceGrpc.getGetProviderHealthMethod = getGetProviderHealthMethod =
              io.grpc.MethodDescriptor.<io.github.stubtail.v1.GetProviderHealthRequest, io.github.stubtail.v1.GetProviderHealthResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetProviderHealth"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.GetProviderHealthRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.GetProviderHealthResponse.getDefaultInstance()))
              .setSchemaDescriptor(new LlmServiceMethodDescriptorSupplier("GetProviderHealth"))
              .build();
        }
      }
    }
    return getGetProviderHealthMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static LlmServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LlmServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LlmServiceStub>() {
        @java.lang.Override
        public LlmServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LlmServiceStub(channel, callOptions);
        }
      };
    return LlmServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static LlmServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LlmServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LlmServiceBlockingV2Stub>() {
        @java.lang.Override
        public LlmServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LlmServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return LlmServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static LlmServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LlmServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LlmServiceBlockingStub>() {
        @java.lang.Override
        public LlmServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LlmServiceBlockingStub(channel, callOptions);
        }
      };
    return LlmServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static LlmServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LlmServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LlmServiceFutureStub>() {
        @java.lang.Override
        public LlmServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LlmServiceFutureStub(channel, callOptions);
        }
      };
    return LlmServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Proxies chat to upstream providers, with routing, failover and circuit breakers.
   * A complete answer is one whose call ended with OK, and nothing else is. A stream that breaks off,
   * stalls or fails upstream ends with an End that says so and then with a status that is not OK; what
   * a provider cut short is never told as finished. Before the first text of an answer another
   * provider may take over, unseen by the caller; after it, none does unless the caller allowed a restart,
   * which is an event of its own: two answers are never spliced.
   * The deadline of the call bounds everything; a caller that cancels closes the upstream connection.
   * The service is there only where a provider is configured (`[llm.providers.NAME]`).
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * The whole answer in one reply.
     * </pre>
     */
    default void chat(io.github.stubtail.v1.ChatRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.ChatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getChatMethod(), responseObserver);
    }

    /**
     * <pre>
     * The answer as it is written: Start, Deltas, End.
     * </pre>
     */
    default void chatStream(io.github.stubtail.v1.ChatRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.ChatStreamResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getChatStreamMethod(), responseObserver);
    }

    /**
     * <pre>
     * The vectors of texts, all by one model of one provider.
     * </pre>
     */
    default void embed(io.github.stubtail.v1.EmbedRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.EmbedResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getEmbedMethod(), responseObserver);
    }

    /**
     * <pre>
     * The models that can be asked, with their prices.
     * </pre>
     */
    default void listModels(io.github.stubtail.v1.LlmServiceListModelsRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.LlmServiceListModelsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListModelsMethod(), responseObserver);
    }

    /**
     * <pre>
     * How each upstream is doing: circuit breaker, throttling, calls in flight, time to first token.
     * </pre>
     */
    default void getProviderHealth(io.github.stubtail.v1.GetProviderHealthRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.GetProviderHealthResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetProviderHealthMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service LlmService.
   * <pre>
   * Proxies chat to upstream providers, with routing, failover and circuit breakers.
   * A complete answer is one whose call ended with OK, and nothing else is. A stream that breaks off,
   * stalls or fails upstream ends with an End that says so and then with a status that is not OK; what
   * a provider cut short is never told as finished. Before the first text of an answer another
   * provider may take over, unseen by the caller; after it, none does unless the caller allowed a restart,
   * which is an event of its own: two answers are never spliced.
   * The deadline of the call bounds everything; a caller that cancels closes the upstream connection.
   * The service is there only where a provider is configured (`[llm.providers.NAME]`).
   * </pre>
   */
  public static abstract class LlmServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return LlmServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service LlmService.
   * <pre>
   * Proxies chat to upstream providers, with routing, failover and circuit breakers.
   * A complete answer is one whose call ended with OK, and nothing else is. A stream that breaks off,
   * stalls or fails upstream ends with an End that says so and then with a status that is not OK; what
   * a provider cut short is never told as finished. Before the first text of an answer another
   * provider may take over, unseen by the caller; after it, none does unless the caller allowed a restart,
   * which is an event of its own: two answers are never spliced.
   * The deadline of the call bounds everything; a caller that cancels closes the upstream connection.
   * The service is there only where a provider is configured (`[llm.providers.NAME]`).
   * </pre>
   */
  public static final class LlmServiceStub
      extends io.grpc.stub.AbstractAsyncStub<LlmServiceStub> {
    private LlmServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LlmServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LlmServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * The whole answer in one reply.
     * </pre>
     */
    public void chat(io.github.stubtail.v1.ChatRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.ChatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getChatMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The answer as it is written: Start, Deltas, End.
     * </pre>
     */
    public void chatStream(io.github.stubtail.v1.ChatRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.ChatStreamResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getChatStreamMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The vectors of texts, all by one model of one provider.
     * </pre>
     */
    public void embed(io.github.stubtail.v1.EmbedRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.EmbedResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getEmbedMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The models that can be asked, with their prices.
     * </pre>
     */
    public void listModels(io.github.stubtail.v1.LlmServiceListModelsRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.LlmServiceListModelsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListModelsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * How each upstream is doing: circuit breaker, throttling, calls in flight, time to first token.
     * </pre>
     */
    public void getProviderHealth(io.github.stubtail.v1.GetProviderHealthRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.GetProviderHealthResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetProviderHealthMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service LlmService.
   * <pre>
   * Proxies chat to upstream providers, with routing, failover and circuit breakers.
   * A complete answer is one whose call ended with OK, and nothing else is. A stream that breaks off,
   * stalls or fails upstream ends with an End that says so and then with a status that is not OK; what
   * a provider cut short is never told as finished. Before the first text of an answer another
   * provider may take over, unseen by the caller; after it, none does unless the caller allowed a restart,
   * which is an event of its own: two answers are never spliced.
   * The deadline of the call bounds everything; a caller that cancels closes the upstream connection.
   * The service is there only where a provider is configured (`[llm.providers.NAME]`).
   * </pre>
   */
  public static final class LlmServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<LlmServiceBlockingV2Stub> {
    private LlmServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LlmServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LlmServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * The whole answer in one reply.
     * </pre>
     */
    public io.github.stubtail.v1.ChatResponse chat(io.github.stubtail.v1.ChatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getChatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The answer as it is written: Start, Deltas, End.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.stubtail.v1.ChatStreamResponse>
        chatStream(io.github.stubtail.v1.ChatRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getChatStreamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The vectors of texts, all by one model of one provider.
     * </pre>
     */
    public io.github.stubtail.v1.EmbedResponse embed(io.github.stubtail.v1.EmbedRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getEmbedMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The models that can be asked, with their prices.
     * </pre>
     */
    public io.github.stubtail.v1.LlmServiceListModelsResponse listModels(io.github.stubtail.v1.LlmServiceListModelsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListModelsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * How each upstream is doing: circuit breaker, throttling, calls in flight, time to first token.
     * </pre>
     */
    public io.github.stubtail.v1.GetProviderHealthResponse getProviderHealth(io.github.stubtail.v1.GetProviderHealthRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetProviderHealthMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service LlmService.
   * <pre>
   * Proxies chat to upstream providers, with routing, failover and circuit breakers.
   * A complete answer is one whose call ended with OK, and nothing else is. A stream that breaks off,
   * stalls or fails upstream ends with an End that says so and then with a status that is not OK; what
   * a provider cut short is never told as finished. Before the first text of an answer another
   * provider may take over, unseen by the caller; after it, none does unless the caller allowed a restart,
   * which is an event of its own: two answers are never spliced.
   * The deadline of the call bounds everything; a caller that cancels closes the upstream connection.
   * The service is there only where a provider is configured (`[llm.providers.NAME]`).
   * </pre>
   */
  public static final class LlmServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<LlmServiceBlockingStub> {
    private LlmServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LlmServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LlmServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * The whole answer in one reply.
     * </pre>
     */
    public io.github.stubtail.v1.ChatResponse chat(io.github.stubtail.v1.ChatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getChatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The answer as it is written: Start, Deltas, End.
     * </pre>
     */
    public java.util.Iterator<io.github.stubtail.v1.ChatStreamResponse> chatStream(
        io.github.stubtail.v1.ChatRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getChatStreamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The vectors of texts, all by one model of one provider.
     * </pre>
     */
    public io.github.stubtail.v1.EmbedResponse embed(io.github.stubtail.v1.EmbedRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getEmbedMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The models that can be asked, with their prices.
     * </pre>
     */
    public io.github.stubtail.v1.LlmServiceListModelsResponse listModels(io.github.stubtail.v1.LlmServiceListModelsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListModelsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * How each upstream is doing: circuit breaker, throttling, calls in flight, time to first token.
     * </pre>
     */
    public io.github.stubtail.v1.GetProviderHealthResponse getProviderHealth(io.github.stubtail.v1.GetProviderHealthRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetProviderHealthMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service LlmService.
   * <pre>
   * Proxies chat to upstream providers, with routing, failover and circuit breakers.
   * A complete answer is one whose call ended with OK, and nothing else is. A stream that breaks off,
   * stalls or fails upstream ends with an End that says so and then with a status that is not OK; what
   * a provider cut short is never told as finished. Before the first text of an answer another
   * provider may take over, unseen by the caller; after it, none does unless the caller allowed a restart,
   * which is an event of its own: two answers are never spliced.
   * The deadline of the call bounds everything; a caller that cancels closes the upstream connection.
   * The service is there only where a provider is configured (`[llm.providers.NAME]`).
   * </pre>
   */
  public static final class LlmServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<LlmServiceFutureStub> {
    private LlmServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LlmServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LlmServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * The whole answer in one reply.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.stubtail.v1.ChatResponse> chat(
        io.github.stubtail.v1.ChatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getChatMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * The vectors of texts, all by one model of one provider.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.stubtail.v1.EmbedResponse> embed(
        io.github.stubtail.v1.EmbedRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getEmbedMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * The models that can be asked, with their prices.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.stubtail.v1.LlmServiceListModelsResponse> listModels(
        io.github.stubtail.v1.LlmServiceListModelsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListModelsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * How each upstream is doing: circuit breaker, throttling, calls in flight, time to first token.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.stubtail.v1.GetProviderHealthResponse> getProviderHealth(
        io.github.stubtail.v1.GetProviderHealthRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetProviderHealthMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CHAT = 0;
  private static final int METHODID_CHAT_STREAM = 1;
  private static final int METHODID_EMBED = 2;
  private static final int METHODID_LIST_MODELS = 3;
  private static final int METHODID_GET_PROVIDER_HEALTH = 4;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_CHAT:
          serviceImpl.chat((io.github.stubtail.v1.ChatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.stubtail.v1.ChatResponse>) responseObserver);
          break;
        case METHODID_CHAT_STREAM:
          serviceImpl.chatStream((io.github.stubtail.v1.ChatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.stubtail.v1.ChatStreamResponse>) responseObserver);
          break;
        case METHODID_EMBED:
          serviceImpl.embed((io.github.stubtail.v1.EmbedRequest) request,
              (io.grpc.stub.StreamObserver<io.github.stubtail.v1.EmbedResponse>) responseObserver);
          break;
        case METHODID_LIST_MODELS:
          serviceImpl.listModels((io.github.stubtail.v1.LlmServiceListModelsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.stubtail.v1.LlmServiceListModelsResponse>) responseObserver);
          break;
        case METHODID_GET_PROVIDER_HEALTH:
          serviceImpl.getProviderHealth((io.github.stubtail.v1.GetProviderHealthRequest) request,
              (io.grpc.stub.StreamObserver<io.github.stubtail.v1.GetProviderHealthResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getChatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.stubtail.v1.ChatRequest,
              io.github.stubtail.v1.ChatResponse>(
                service, METHODID_CHAT)))
        .addMethod(
          getChatStreamMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.stubtail.v1.ChatRequest,
              io.github.stubtail.v1.ChatStreamResponse>(
                service, METHODID_CHAT_STREAM)))
        .addMethod(
          getEmbedMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.stubtail.v1.EmbedRequest,
              io.github.stubtail.v1.EmbedResponse>(
                service, METHODID_EMBED)))
        .addMethod(
          getListModelsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.stubtail.v1.LlmServiceListModelsRequest,
              io.github.stubtail.v1.LlmServiceListModelsResponse>(
                service, METHODID_LIST_MODELS)))
        .addMethod(
          getGetProviderHealthMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.stubtail.v1.GetProviderHealthRequest,
              io.github.stubtail.v1.GetProviderHealthResponse>(
                service, METHODID_GET_PROVIDER_HEALTH)))
        .build();
  }

  private static abstract class LlmServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    LlmServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.stubtail.v1.Llm.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("LlmService");
    }
  }

  private static final class LlmServiceFileDescriptorSupplier
      extends LlmServiceBaseDescriptorSupplier {
    LlmServiceFileDescriptorSupplier() {}
  }

  private static final class LlmServiceMethodDescriptorSupplier
      extends LlmServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    LlmServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (LlmServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new LlmServiceFileDescriptorSupplier())
              .addMethod(getChatMethod())
              .addMethod(getChatStreamMethod())
              .addMethod(getEmbedMethod())
              .addMethod(getListModelsMethod())
              .addMethod(getGetProviderHealthMethod())
              .build();
        }
      }
    }
    return result;
  }
}
